-- Notes how far a reader of the log has come.
INSERT INTO log_reader (name, n, prunings, seen_at) VALUES (?1, ?2, ?3, ?4)
ON CONFLICT (name) DO UPDATE SET n = excluded.n, prunings = excluded.prunings, seen_at = excluded.seen_at
