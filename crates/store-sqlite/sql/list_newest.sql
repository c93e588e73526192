-- Tasks after an id, newest first.
SELECT id FROM task WHERE id < ?1 ORDER BY id DESC LIMIT ?2
