-- Complete steps, of tasks created after $1, whose last executions took longest, and how long they had waited, in microseconds;
-- of revisions ($2; null: of all), $3 of them.
WITH longest AS MATERIALIZED (
    SELECT t.id, t.revision_id, t.created_at, s.ordinal, s.started_at, s.processed_at, s.attempts, s.retryable,
        greatest(s.processed_at - s.started_at, interval '0') AS span
    FROM tasker.task AS t
    JOIN tasker.step AS s ON s.task_id = t.id
    WHERE t.created_at > $1::timestamptz AND ($2::uuid[] IS NULL OR t.revision_id = ANY ($2))
        AND s.state = 2 AND s.started_at IS NOT NULL AND s.processed_at IS NOT NULL
    ORDER BY span DESC, t.id, s.ordinal LIMIT $3
)
SELECT l.id, x.name, l.ordinal, n.name, d.name, d.version, (extract(epoch FROM l.span) * 1000000)::bigint,
    greatest(extract(epoch FROM l.started_at - coalesce(r.at, l.created_at)) * 1000000, 0)::bigint, l.attempts, l.retryable,
    l.created_at, l.processed_at
FROM longest AS l
JOIN tasker.definition_history AS h ON h.revision_id = l.revision_id
JOIN tasker.definition AS d ON d.id = h.definition_id
JOIN tasker.namespace AS n ON n.id = d.namespace_id
JOIN tasker.definition_step AS x ON x.revision_id = l.revision_id AND x.ordinal = l.ordinal
CROSS JOIN LATERAL (
    SELECT max(p.processed_at) AS at
    FROM tasker.definition_edge AS e
    JOIN tasker.step AS p ON p.task_id = l.id AND p.ordinal = e.parent AND p.state IN (2, 5)
    WHERE e.revision_id = l.revision_id AND e.child = l.ordinal
) AS r
ORDER BY l.span DESC, l.id, l.ordinal
