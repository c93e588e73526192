-- Tasks from an id on, oldest first.
SELECT id FROM tasker.task WHERE id >= $1 ORDER BY id LIMIT $2
