-- Tasks by whoever created them after a value (?1) and an id (?2), up to a value (?3), greatest first.
SELECT task_id, created_by
FROM task_input
WHERE (created_by, task_id) < (?1, ?2) AND created_by >= ?3
ORDER BY created_by DESC, task_id DESC LIMIT ?4
