-- Deletes the steps of a task.
DELETE FROM step WHERE key BETWEEN ?1 AND ?2
