-- Takes a version out of use, or into use again.
UPDATE definition SET retired = ?2 WHERE id = ?1
