-- The commonest kinds of failures of tasks created after ?1, of revisions (?2, a list as JSON; null: of all), ?3 of them. The
-- log is read only of tasks with a step that was claimed more often than it became complete.
SELECT x.metadata ->> '$.error.code' AS code, x.metadata ->> '$.error.class' AS class, count(*) AS n
FROM task AS t
CROSS JOIN transition AS x ON x.task_seq = t.seq AND x.to_state = 3 AND x.ordinal IS NOT NULL
WHERE t.created_at > ?1 AND (?2 IS NULL OR t.revision_id IN (SELECT value FROM json_each(?2)))
    AND EXISTS (
        SELECT 1 FROM step AS s
        WHERE s.key >= t.seq * 32768 AND s.key < (t.seq + 1) * 32768 AND s.fence > (s.state = 2))
GROUP BY code, class HAVING code IS NOT NULL AND class IS NOT NULL
ORDER BY n DESC, code, class LIMIT ?3
