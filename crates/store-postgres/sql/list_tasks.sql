-- A page of all tasks, newest first. Null filters let all pass.
SELECT t.id, n.name, d.name, d.version, t.state, r.n_steps, t.remaining, t.priority, i.initiator, i.source_system,
    i.reason, i.tags, t.created_at, t.updated_at, t.ended_at
FROM tasker.task AS t
JOIN tasker.task_input AS i ON i.task_id = t.id
JOIN tasker.definition_revision AS r ON r.id = t.revision_id
JOIN tasker.definition_history AS h ON h.revision_id = t.revision_id
JOIN tasker.definition AS d ON d.id = h.definition_id
JOIN tasker.namespace AS n ON n.id = d.namespace_id
WHERE ($1::uuid IS NULL OR t.id < $1)
    AND ($3::timestamptz IS NULL OR t.created_at > $3)
    AND ($4::text IS NULL OR (i.tags <> '{}' AND i.tags @> ARRAY[$4]))
    AND ($5::text IS NULL OR EXISTS (
        SELECT FROM tasker.task_annotation AS a JOIN tasker.annotation_type AS y ON y.id = a.annotation_type_id
        WHERE a.task_id = t.id AND y.name = $5 AND CASE json_typeof(a.value -> $6)
            WHEN 'string' THEN a.value ->> $6 ELSE (a.value -> $6)::text END = $7))
ORDER BY t.id DESC LIMIT $2
