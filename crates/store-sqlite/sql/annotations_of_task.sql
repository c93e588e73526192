-- The annotations of a task, oldest first.
SELECT y.name, a.value FROM task_annotation AS a JOIN annotation_type AS y ON y.id = a.annotation_type_id
WHERE a.task_seq = ?1 ORDER BY a.id
