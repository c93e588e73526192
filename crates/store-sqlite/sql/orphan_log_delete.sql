-- Deletes a log entry that belongs to no task.
DELETE FROM transition WHERE n = ?1
