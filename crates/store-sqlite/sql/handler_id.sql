-- The number of a handler in this file.
SELECT id FROM handler WHERE name = ?1
