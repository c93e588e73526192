-- The last of the next $2 tasks after $1; null if there are not so many.
SELECT (SELECT id FROM tasker.task WHERE $1::uuid IS NULL OR id > $1 ORDER BY id OFFSET $2 - 1 LIMIT 1)
