-- The number of a namespace in this file.
SELECT id FROM namespace WHERE name = ?1
