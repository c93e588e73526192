-- The annotations of a task, oldest first.
SELECT y.name, a.value::text
FROM tasker.task_annotation AS a JOIN tasker.annotation_type AS y ON y.id = a.annotation_type_id
WHERE a.task_id = $1 ORDER BY a.id
