-- Removes a namespace.
DELETE FROM namespace WHERE id = ?1
