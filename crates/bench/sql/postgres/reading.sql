-- What the server tells about itself: bytes of the write-ahead log since its beginning.
SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint
