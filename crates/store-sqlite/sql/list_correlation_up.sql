-- Tasks by correlation id after a value (?1) and an id (?2), up to a value (?3), smallest first.
SELECT task_id, correlation_id
FROM task_input
WHERE (correlation_id, task_id) > (?1, ?2) AND correlation_id <= ?3
ORDER BY correlation_id, task_id LIMIT ?4
