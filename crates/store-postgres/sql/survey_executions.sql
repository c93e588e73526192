-- Steps that became complete after $1, of revisions ($2; null: of all), and how long they were executed and had waited before,
-- in microseconds. They belong to tasks that ended since then, and to open and cancelled ones that changed since then.
WITH changed AS MATERIALIZED (
    SELECT t.id, t.revision_id, t.created_at FROM tasker.task AS t
    WHERE (t.state IN (0, 1, 4) AND t.updated_at > $1::timestamptz OR t.ended_at > $1)
        AND ($2::uuid[] IS NULL OR t.revision_id = ANY ($2))
), ready AS (
    SELECT c.id, e.child, max(p.processed_at) AS at
    FROM changed AS c
    JOIN tasker.definition_edge AS e ON e.revision_id = c.revision_id
    JOIN tasker.step AS p ON p.task_id = c.id AND p.ordinal = e.parent AND p.state IN (2, 5)
    GROUP BY c.id, e.child
)
SELECT count(*),
    coalesce(extract(epoch FROM sum(greatest(s.processed_at - s.started_at, interval '0'))) * 1000000, 0)::bigint,
    coalesce(extract(epoch FROM sum(greatest(s.started_at - coalesce(r.at, c.created_at), interval '0'))) * 1000000, 0)::bigint
FROM changed AS c
JOIN tasker.step AS s ON s.task_id = c.id AND s.state = 2 AND s.processed_at > $1 AND s.started_at IS NOT NULL
LEFT JOIN ready AS r ON r.id = c.id AND r.child = s.ordinal
