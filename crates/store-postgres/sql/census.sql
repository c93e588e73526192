-- Tasks and steps per namespace in which there is a task: in each state, and steps in error that may be tried again, are
-- exhausted, or wait at $1 (null: now).
WITH tasks AS (
    SELECT d.namespace_id,
        coalesce(sum(c.n) FILTER (WHERE c.state = 0), 0)::bigint AS pending,
        coalesce(sum(c.n) FILTER (WHERE c.state = 1), 0)::bigint AS in_progress,
        coalesce(sum(c.n) FILTER (WHERE c.state = 2), 0)::bigint AS complete,
        coalesce(sum(c.n) FILTER (WHERE c.state = 3), 0)::bigint AS error,
        coalesce(sum(c.n) FILTER (WHERE c.state = 4), 0)::bigint AS cancelled,
        coalesce(sum(c.n) FILTER (WHERE c.state = 5), 0)::bigint AS resolved
    FROM (SELECT revision_id, state, count(*) AS n FROM tasker.task GROUP BY revision_id, state) AS c
    JOIN tasker.definition_history AS h ON h.revision_id = c.revision_id
    JOIN tasker.definition AS d ON d.id = h.definition_id
    GROUP BY d.namespace_id
), steps AS (
    SELECT d.namespace_id, sum(c.pending)::bigint AS pending, sum(c.in_progress)::bigint AS in_progress,
        sum(c.complete)::bigint AS complete, sum(c.error)::bigint AS error, sum(c.cancelled)::bigint AS cancelled,
        sum(c.resolved)::bigint AS resolved, sum(c.retryable)::bigint AS retryable, sum(c.exhausted)::bigint AS exhausted,
        sum(c.waiting)::bigint AS waiting
    FROM (
        SELECT t.revision_id,
            count(*) FILTER (WHERE s.state = 0) AS pending,
            count(*) FILTER (WHERE s.state = 1) AS in_progress,
            count(*) FILTER (WHERE s.state = 2) AS complete,
            count(*) FILTER (WHERE s.state = 3) AS error,
            count(*) FILTER (WHERE s.state = 4) AS cancelled,
            count(*) FILTER (WHERE s.state = 5) AS resolved,
            count(*) FILTER (WHERE s.state = 3 AND s.retryable AND s.attempts < s.retry_limit) AS retryable,
            count(*) FILTER (WHERE s.state = 3 AND s.attempts >= s.retry_limit) AS exhausted,
            count(*) FILTER (WHERE s.state = 3 AND s.retryable AND s.attempts < s.retry_limit
                AND s.last_attempted_at + coalesce(s.backoff_seconds, 0) * interval '1 second'
                    > coalesce($1::timestamptz, statement_timestamp())) AS waiting
        FROM tasker.step AS s
        JOIN tasker.task AS t ON t.id = s.task_id
        GROUP BY t.revision_id
    ) AS c
    JOIN tasker.definition_history AS h ON h.revision_id = c.revision_id
    JOIN tasker.definition AS d ON d.id = h.definition_id
    GROUP BY d.namespace_id
)
SELECT n.name, t.pending, t.in_progress, t.complete, t.error, t.cancelled, t.resolved,
    coalesce(s.pending, 0), coalesce(s.in_progress, 0), coalesce(s.complete, 0), coalesce(s.error, 0),
    coalesce(s.cancelled, 0), coalesce(s.resolved, 0), coalesce(s.retryable, 0), coalesce(s.exhausted, 0),
    coalesce(s.waiting, 0)
FROM tasks AS t
JOIN tasker.namespace AS n ON n.id = t.namespace_id
LEFT JOIN steps AS s ON s.namespace_id = t.namespace_id
ORDER BY n.name COLLATE "C"
