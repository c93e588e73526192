-- A task that changed without changing its state: leaves the indexes of `task` alone.
UPDATE task SET active = ?2, remaining = ?3, log_seq = ?4, updated_at = ?5 WHERE seq = ?1
