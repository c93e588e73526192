-- The state of a task.
SELECT state FROM task WHERE id = ?1
