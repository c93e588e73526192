-- A task that began or ended.
UPDATE task SET active = ?2, remaining = ?3, log_seq = ?4, updated_at = ?5, state = ?6, ended_at = ?7 WHERE seq = ?1
