-- A step that was claimed.
UPDATE step SET state = ?2, waits = 0, attempts = ?3, fence = ?4, started_at = ?5, updated_at = ?5 WHERE key = ?1
