-- Gives a version its content.
UPDATE definition SET revision_id = ?2, description = ?3, configuration = ?4, registered_at = ?5 WHERE id = ?1
