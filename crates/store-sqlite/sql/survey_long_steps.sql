-- Complete steps, of tasks created after ?1, whose last executions took longest, and how long they had waited; of revisions
-- (?2, a list as JSON; null: of all), ?3 of them.
WITH longest AS MATERIALIZED (
    SELECT t.seq, t.id, t.revision_id, t.created_at, s.key & 32767 AS ordinal,
        max(s.processed_at - s.started_at, 0) AS span, s.started_at, s.processed_at, s.attempts, s.retryable
    FROM task AS t CROSS JOIN step AS s ON s.key >= t.seq * 32768 AND s.key < (t.seq + 1) * 32768
    WHERE t.created_at > ?1 AND (?2 IS NULL OR t.revision_id IN (SELECT value FROM json_each(?2)))
        AND s.state = 2 AND s.started_at IS NOT NULL AND s.processed_at IS NOT NULL
    ORDER BY span DESC, t.id, ordinal LIMIT ?3
)
SELECT c.id, x.name, c.ordinal, n.name, d.name, d.version, c.span, max(0, c.started_at - coalesce((
        SELECT max(p.processed_at) FROM definition_edge AS e
        JOIN step AS p ON p.key = c.seq * 32768 + e.parent AND p.state IN (2, 5)
        WHERE e.revision_id = c.revision_id AND e.child = c.ordinal
    ), c.created_at)), c.attempts, c.retryable, c.created_at, c.processed_at
FROM longest AS c
JOIN definition_revision AS r ON r.id = c.revision_id
JOIN definition AS d ON d.id = r.definition_id
JOIN namespace AS n ON n.id = d.namespace_id
JOIN definition_step AS x ON x.revision_id = c.revision_id AND x.ordinal = c.ordinal
ORDER BY c.span DESC, c.id, c.ordinal
