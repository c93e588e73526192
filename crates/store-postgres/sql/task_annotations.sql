-- The annotations of tasks, of each the oldest first.
SELECT a.task_id, y.name, a.value::text
FROM tasker.task_annotation AS a JOIN tasker.annotation_type AS y ON y.id = a.annotation_type_id
WHERE a.task_id = ANY ($1::uuid[]) ORDER BY a.task_id, a.id
