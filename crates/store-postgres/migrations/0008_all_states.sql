-- Counts of the states that were counted in the totals only. New columns stand last.

DROP FUNCTION tasker.get_system_health_counts(timestamptz);

-- How many tasks and steps there are in each state. Reads every step.
CREATE FUNCTION tasker.get_system_health_counts(as_of timestamptz DEFAULT NULL)
RETURNS TABLE (total_tasks bigint, pending_tasks bigint, in_progress_tasks bigint, complete_tasks bigint, error_tasks bigint,
    cancelled_tasks bigint, total_steps bigint, pending_steps bigint, in_progress_steps bigint, complete_steps bigint,
    error_steps bigint, retryable_error_steps bigint, exhausted_retry_steps bigint, in_backoff_steps bigint,
    active_connections bigint, max_connections bigint, resolved_manually_tasks bigint, cancelled_steps bigint,
    resolved_manually_steps bigint)
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1 AS $$
SELECT t.n, t.pending, t.in_progress, t.complete, t.error, t.cancelled, s.n, s.pending, s.in_progress, s.complete, s.error,
    s.retryable, s.exhausted, s.in_backoff, c.n, coalesce(current_setting('max_connections', true)::bigint, 0), t.resolved,
    s.cancelled, s.resolved
FROM (
    SELECT count(*) AS n, count(*) FILTER (WHERE state = 0) AS pending, count(*) FILTER (WHERE state = 1) AS in_progress,
        count(*) FILTER (WHERE state = 2) AS complete, count(*) FILTER (WHERE state = 3) AS error,
        count(*) FILTER (WHERE state = 4) AS cancelled, count(*) FILTER (WHERE state = 5) AS resolved
    FROM tasker.task
) AS t
CROSS JOIN (
    SELECT count(*) AS n, count(*) FILTER (WHERE state = 0) AS pending, count(*) FILTER (WHERE state = 1) AS in_progress,
        count(*) FILTER (WHERE state = 2) AS complete, count(*) FILTER (WHERE state = 3) AS error,
        count(*) FILTER (WHERE state = 4) AS cancelled, count(*) FILTER (WHERE state = 5) AS resolved,
        count(*) FILTER (WHERE state = 3 AND retryable AND attempts < retry_limit) AS retryable,
        count(*) FILTER (WHERE state = 3 AND attempts >= retry_limit) AS exhausted,
        count(*) FILTER (WHERE state = 3 AND retryable AND attempts < retry_limit
            AND last_attempted_at + coalesce(backoff_seconds, 0) * interval '1 second'
                > coalesce(as_of, statement_timestamp())) AS in_backoff
    FROM tasker.step
) AS s
CROSS JOIN (
    SELECT count(*) AS n FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND state = 'active'
) AS c
$$;
