-- Workers that count as live, but for one.
SELECT id, heartbeat_at FROM worker WHERE lost_at IS NULL AND stopped_at IS NULL AND id <> ?1
