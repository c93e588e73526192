-- Annotates a task.
INSERT INTO task_annotation (task_seq, annotation_type_id, value, created_at)
SELECT ?1, id, ?3, ?4 FROM annotation_type WHERE name = ?2
