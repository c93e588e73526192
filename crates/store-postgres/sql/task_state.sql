-- The state of a task.
SELECT state FROM tasker.task WHERE id = $1
