-- A step that completed.
UPDATE step SET state = ?2, settled_fence = ?3, last_attempted_at = ?4, processed_at = ?4, updated_at = ?4, results = ?5
WHERE key = ?1
