-- Steps that became complete after $1, of revisions ($2; null: of all), and how long they were executed and had waited before,
-- in microseconds. They belong to tasks that ended since then, and to open and cancelled ones that changed since then.
WITH changed AS MATERIALIZED (
    SELECT t.id, t.revision_id, t.created_at FROM tasker.task AS t
    WHERE (t.state IN (0, 1, 4) AND t.updated_at > $1::timestamptz OR t.ended_at > $1)
        AND ($2::uuid[] IS NULL OR t.revision_id = ANY ($2))
), executed AS MATERIALIZED (
    SELECT c.id, c.revision_id, c.created_at, s.ordinal, s.started_at, s.processed_at
    FROM changed AS c
    JOIN tasker.step AS s ON s.task_id = c.id
    WHERE s.state = 2 AND s.processed_at > $1 AND s.started_at IS NOT NULL
), ready AS (
    SELECT c.id, e.child, max(p.processed_at) AS at
    FROM changed AS c
    JOIN tasker.definition_edge AS e ON e.revision_id = c.revision_id
    JOIN tasker.step AS p ON p.task_id = c.id AND p.ordinal = e.parent AND p.state IN (2, 5)
    GROUP BY c.id, e.child
)
SELECT count(*), coalesce(sum(greatest(extract(epoch FROM x.processed_at - x.started_at) * 1000000, 0)), 0)::bigint,
    coalesce(sum(greatest(extract(epoch FROM x.started_at - coalesce(r.at, x.created_at)) * 1000000, 0)), 0)::bigint
FROM executed AS x
LEFT JOIN ready AS r ON r.id = x.id AND r.child = x.ordinal
