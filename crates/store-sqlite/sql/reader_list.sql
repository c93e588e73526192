-- Readers of the log, and which of them were heard of since an instant.
SELECT name, n, prunings, seen_at, seen_at > ?1 FROM log_reader ORDER BY name
