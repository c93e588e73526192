-- The commonest kinds of failures of tasks created after $1, of revisions ($2; null: of all), $3 of them. The log is read only
-- of tasks with a step that was claimed more often than it became complete.
SELECT f.code, f.class, f.n
FROM (
    SELECT x.metadata -> 'error' ->> 'code' AS code, x.metadata -> 'error' ->> 'class' AS class, count(*) AS n
    FROM tasker.task AS t
    JOIN tasker.transition AS x ON x.task_id = t.id AND x.to_state = 3 AND x.ordinal IS NOT NULL
    WHERE t.created_at > $1::timestamptz AND ($2::uuid[] IS NULL OR t.revision_id = ANY ($2))
        AND EXISTS (
            SELECT FROM tasker.step AS s WHERE s.task_id = t.id AND s.fence > (s.state = 2)::integer)
    GROUP BY 1, 2
) AS f
WHERE f.code IS NOT NULL AND f.class IS NOT NULL
ORDER BY f.n DESC, f.code COLLATE "C", f.class COLLATE "C" LIMIT $3
