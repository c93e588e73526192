-- A step that waits for fewer others.
UPDATE step SET waits = ?2, updated_at = ?3 WHERE key = ?1
