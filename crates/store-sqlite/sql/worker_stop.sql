-- A worker stopped by itself.
UPDATE worker SET stopped_at = ?2 WHERE id = ?1 AND lost_at IS NULL AND stopped_at IS NULL
