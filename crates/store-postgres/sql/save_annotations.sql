-- Adds annotations of tasks, in order.
INSERT INTO tasker.task_annotation (task_id, annotation_type_id, created_at, value)
SELECT v.task_id, t.id, v.created_at, v.value::json
FROM unnest($1::uuid[], $2::text[], $3::timestamptz[], $4::text[]) WITH ORDINALITY
    AS v (task_id, kind, created_at, value, place)
JOIN tasker.annotation_type AS t ON t.name = v.kind
ORDER BY v.place
