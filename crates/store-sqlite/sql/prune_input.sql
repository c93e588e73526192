-- Deletes the request of a task.
DELETE FROM task_input WHERE task_seq = ?1
