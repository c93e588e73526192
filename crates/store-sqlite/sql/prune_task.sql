-- Deletes a task's own row.
DELETE FROM task WHERE seq = ?1
