-- Deletes the annotations of a task.
DELETE FROM task_annotation WHERE task_seq = ?1
