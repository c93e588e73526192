-- Tasks by from which system after a value (?1) and an id (?2), up to a value (?3), greatest first.
SELECT task_id, source_system
FROM task_input
WHERE (source_system, task_id) < (?1, ?2) AND source_system >= ?3
ORDER BY source_system DESC, task_id DESC LIMIT ?4
