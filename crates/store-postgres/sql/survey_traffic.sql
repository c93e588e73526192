-- How many tasks were created and how many failed after $1, and how long those took that completed after it, in microseconds:
-- together, at most, percentiles, how many less than each of $3; of revisions ($2; null: of all).
SELECT (
        SELECT count(*) FROM tasker.task AS t
        WHERE t.created_at > $1::timestamptz AND ($2::uuid[] IS NULL OR t.revision_id = ANY ($2))
    ),
    count(*) FILTER (WHERE e.state = 3),
    count(*) FILTER (WHERE e.state = 2), coalesce(sum(e.span) FILTER (WHERE e.state = 2), 0)::bigint,
    coalesce(max(e.span) FILTER (WHERE e.state = 2), 0),
    percentile_disc(ARRAY[0.5, 0.95, 0.99]::float8[]) WITHIN GROUP (ORDER BY e.span) FILTER (WHERE e.state = 2),
    count(*) FILTER (WHERE e.state = 2 AND e.span < ($3::bigint[])[1]),
    count(*) FILTER (WHERE e.state = 2 AND e.span < ($3::bigint[])[2])
FROM (
    SELECT t.state, greatest(extract(epoch FROM t.ended_at - t.created_at) * 1000000, 0)::bigint AS span
    FROM tasker.task AS t
    WHERE t.ended_at > $1 AND t.state IN (2, 3) AND ($2::uuid[] IS NULL OR t.revision_id = ANY ($2))
) AS e
