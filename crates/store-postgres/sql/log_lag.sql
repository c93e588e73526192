-- How long, in microseconds, the first transaction of the cluster that has written is under way, as far as the role may see it.
SELECT coalesce(extract(epoch FROM clock_timestamp() - min(t.began)) * 1000000, 0)::bigint
FROM (
    SELECT xact_start AS began FROM pg_stat_activity WHERE backend_xid IS NOT NULL
    UNION ALL
    SELECT prepared FROM pg_prepared_xacts
) AS t
