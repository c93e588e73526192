-- Forgets a reader of the log.
DELETE FROM tasker.log_reader WHERE name = $1
