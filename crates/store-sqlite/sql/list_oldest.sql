-- Tasks after an id, oldest first.
SELECT id FROM task WHERE id > ?1 ORDER BY id LIMIT ?2
