-- Steps of tasks created after $1, of revisions ($2; null: of all), by name: executed, more than once, of these complete;
-- pending where they may go on, how long as of $3 together, in microseconds, and of these waiting for others.
WITH created AS MATERIALIZED (
    SELECT t.id, t.revision_id, t.created_at, t.state IN (0, 1, 3) AS may_go_on FROM tasker.task AS t
    WHERE t.created_at > $1::timestamptz AND ($2::uuid[] IS NULL OR t.revision_id = ANY ($2))
), ready AS (
    SELECT c.id, s.ordinal, max(p.processed_at) AS at
    FROM created AS c
    JOIN tasker.step AS s ON s.task_id = c.id AND s.state = 0
    JOIN tasker.definition_edge AS e ON e.revision_id = c.revision_id AND e.child = s.ordinal
    JOIN tasker.step AS p ON p.task_id = c.id AND p.ordinal = e.parent AND p.state IN (2, 5)
    WHERE c.may_go_on
    GROUP BY c.id, s.ordinal
), seen AS (
    SELECT x.name, s.attempts, s.state, s.waits, s.state = 0 AND c.may_go_on AS is_pending,
        coalesce($3::timestamptz, statement_timestamp()) - coalesce(r.at, c.created_at) AS waited
    FROM created AS c
    JOIN tasker.step AS s ON s.task_id = c.id
    JOIN tasker.definition_step AS x ON x.revision_id = c.revision_id AND x.ordinal = s.ordinal
    LEFT JOIN ready AS r ON r.id = c.id AND r.ordinal = s.ordinal
)
SELECT s.name, count(*) FILTER (WHERE s.attempts > 0), count(*) FILTER (WHERE s.attempts > 1),
    count(*) FILTER (WHERE s.attempts > 1 AND s.state = 2), count(*) FILTER (WHERE s.is_pending),
    coalesce(extract(epoch FROM sum(greatest(s.waited, interval '0')) FILTER (WHERE s.is_pending)) * 1000000, 0)::bigint,
    count(*) FILTER (WHERE s.is_pending AND s.waits > 0)
FROM seen AS s
GROUP BY s.name
