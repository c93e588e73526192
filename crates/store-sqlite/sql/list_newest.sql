-- Tasks from an id on, newest first.
SELECT id FROM task WHERE id <= ?1 ORDER BY id DESC LIMIT ?2
