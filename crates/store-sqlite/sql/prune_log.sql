-- Deletes the log of a task.
DELETE FROM transition WHERE task_seq = ?1
