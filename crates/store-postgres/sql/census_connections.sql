-- Sessions of this database that execute a statement now, and how many sessions the server allows.
SELECT (SELECT count(*) FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND state = 'active'),
    coalesce(current_setting('max_connections', true)::bigint, 0)
