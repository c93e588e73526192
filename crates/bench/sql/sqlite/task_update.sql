-- A task whose steps went on.
UPDATE task SET active = ?2, remaining = ?3, log_seq = ?4, updated_at = ?5 WHERE seq = ?1
