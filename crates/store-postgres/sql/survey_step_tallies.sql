-- Steps of tasks created after $1, of revisions ($2; null: of all), by name: executed, more than once, of these complete;
-- pending where they may go on, how long as of $3 together, in microseconds, and of these waiting for others.
WITH created AS MATERIALIZED (
    SELECT t.id, t.revision_id, t.created_at, t.state IN (0, 1, 3) AS may_go_on FROM tasker.task AS t
    WHERE t.created_at > $1::timestamptz AND ($2::uuid[] IS NULL OR t.revision_id = ANY ($2))
), seen AS MATERIALIZED (
    SELECT c.id, c.revision_id, c.created_at, s.ordinal, s.attempts, s.waits, s.state = 2 AS is_complete,
        s.state = 0 AND c.may_go_on AS is_pending
    FROM created AS c
    JOIN tasker.step AS s ON s.task_id = c.id
), ready AS (
    SELECT w.id, w.ordinal, max(p.processed_at) AS at
    FROM seen AS w
    JOIN tasker.definition_edge AS e ON e.revision_id = w.revision_id AND e.child = w.ordinal
    JOIN tasker.step AS p ON p.task_id = w.id AND p.ordinal = e.parent AND p.state IN (2, 5)
    WHERE w.is_pending
    GROUP BY w.id, w.ordinal
)
SELECT x.name, count(*) FILTER (WHERE s.attempts > 0), count(*) FILTER (WHERE s.attempts > 1),
    count(*) FILTER (WHERE s.attempts > 1 AND s.is_complete), count(*) FILTER (WHERE s.is_pending),
    coalesce(sum(greatest(extract(epoch FROM coalesce($3::timestamptz, statement_timestamp()) - coalesce(r.at, s.created_at))
        * 1000000, 0)) FILTER (WHERE s.is_pending), 0)::bigint,
    count(*) FILTER (WHERE s.is_pending AND s.waits > 0)
FROM seen AS s
JOIN tasker.definition_step AS x ON x.revision_id = s.revision_id AND x.ordinal = s.ordinal
LEFT JOIN ready AS r ON r.id = s.id AND r.ordinal = s.ordinal
GROUP BY x.name
