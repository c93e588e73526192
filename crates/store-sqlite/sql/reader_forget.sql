-- Forgets a reader of the log.
DELETE FROM log_reader WHERE name = ?1
