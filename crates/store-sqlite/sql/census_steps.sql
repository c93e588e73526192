-- Steps per namespace: in each state, and those in error that may be tried again, are exhausted, or wait: ?1 now. CROSS JOIN
-- keeps the loops in this order, so that the steps of a revision come together and only counts are sorted.
SELECT n.name, sum(c.pending), sum(c.in_progress), sum(c.complete), sum(c.error), sum(c.cancelled), sum(c.resolved),
    sum(c.retryable), sum(c.exhausted), sum(c.waiting)
FROM (
    SELECT r.definition_id,
        count(*) FILTER (WHERE s.state = 0) AS pending,
        count(*) FILTER (WHERE s.state = 1) AS in_progress,
        count(*) FILTER (WHERE s.state = 2) AS complete,
        count(*) FILTER (WHERE s.state = 3) AS error,
        count(*) FILTER (WHERE s.state = 4) AS cancelled,
        count(*) FILTER (WHERE s.state = 5) AS resolved,
        count(*) FILTER (WHERE s.state = 3 AND s.retryable AND s.attempts < s.retry_limit) AS retryable,
        count(*) FILTER (WHERE s.state = 3 AND s.attempts >= s.retry_limit) AS exhausted,
        count(*) FILTER (WHERE s.state = 3 AND s.retryable AND s.attempts < s.retry_limit
            AND s.last_attempted_at + coalesce(s.backoff_seconds, 0) * 1000000 > ?1) AS waiting
    FROM definition_revision AS r
    CROSS JOIN state_name AS k
    CROSS JOIN task AS t
    CROSS JOIN step AS s
    WHERE t.state = k.code AND t.revision_id = r.id AND s.key >= t.seq * 32768 AND s.key < (t.seq + 1) * 32768
    GROUP BY r.id
) AS c
JOIN definition AS d ON d.id = c.definition_id
JOIN namespace AS n ON n.id = d.namespace_id
GROUP BY n.id
