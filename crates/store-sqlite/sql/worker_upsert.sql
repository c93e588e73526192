-- A worker lives.
INSERT INTO worker (id, name, version, handlers, capacity, started_at, heartbeat_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
ON CONFLICT (id) DO UPDATE SET name = excluded.name, version = excluded.version, handlers = excluded.handlers,
    capacity = excluded.capacity, heartbeat_at = excluded.heartbeat_at
