-- Tasks created after $1, how many failed, and how long complete ones took, in microseconds: together, at most, percentiles,
-- how many less than each of $3; and their revisions. Only of revisions $2; null: of all.
WITH created AS MATERIALIZED (
    SELECT t.revision_id, t.state, greatest(extract(epoch FROM t.ended_at - t.created_at) * 1000000, 0)::bigint AS span
    FROM tasker.task AS t
    WHERE t.created_at > $1::timestamptz AND ($2::uuid[] IS NULL OR t.revision_id = ANY ($2))
)
SELECT count(*), count(*) FILTER (WHERE c.state = 3),
    count(*) FILTER (WHERE c.state = 2), coalesce(sum(c.span) FILTER (WHERE c.state = 2), 0)::bigint,
    coalesce(max(c.span) FILTER (WHERE c.state = 2), 0),
    percentile_disc(ARRAY[0.5, 0.95, 0.99]::float8[]) WITHIN GROUP (ORDER BY c.span) FILTER (WHERE c.state = 2),
    count(*) FILTER (WHERE c.state = 2 AND c.span < ($3::bigint[])[1]),
    count(*) FILTER (WHERE c.state = 2 AND c.span < ($3::bigint[])[2]),
    (SELECT array_agg(u.revision_id) FROM (SELECT DISTINCT revision_id FROM created) AS u)
FROM created AS c
