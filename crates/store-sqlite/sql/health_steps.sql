-- Steps in all, per state, and those in error that may be tried again, are exhausted, or wait: ?1 now.
SELECT count(*),
    count(*) FILTER (WHERE state = 0),
    count(*) FILTER (WHERE state = 1),
    count(*) FILTER (WHERE state = 2),
    count(*) FILTER (WHERE state = 3),
    count(*) FILTER (WHERE state = 3 AND retryable AND attempts < retry_limit),
    count(*) FILTER (WHERE state = 3 AND attempts >= retry_limit),
    count(*) FILTER (WHERE state = 3 AND retryable AND attempts < retry_limit
        AND last_attempted_at + coalesce(backoff_seconds, 0) * 1000000 > ?1),
    count(*) FILTER (WHERE state = 4),
    count(*) FILTER (WHERE state = 5)
FROM step
