-- Tasks by when they were asked for after a value (?1) and an id (?2), up to a value (?3), greatest first.
SELECT task_id, requested_at
FROM task_input
WHERE (requested_at, task_id) < (?1, ?2) AND requested_at >= ?3
ORDER BY requested_at DESC, task_id DESC LIMIT ?4
