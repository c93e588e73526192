-- A worker is lost.
UPDATE worker SET lost_at = ?2 WHERE id = ?1 AND lost_at IS NULL AND stopped_at IS NULL
