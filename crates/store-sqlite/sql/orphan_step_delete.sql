-- Deletes a step that belongs to no task.
DELETE FROM step WHERE key = ?1
