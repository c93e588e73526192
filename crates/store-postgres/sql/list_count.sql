-- How many tasks pass a filter. Null lets all pass.
SELECT count(*)
FROM tasker.task AS t
JOIN tasker.task_input AS i ON i.task_id = t.id
WHERE ($1::smallint[] IS NULL OR t.state = ANY ($1))
    AND ($2::uuid[] IS NULL OR t.revision_id = ANY ($2))
    AND ($3::text IS NULL OR i.initiator = $3)
    AND ($4::text IS NULL OR i.source_system = $4)
    AND ($5::text IS NULL OR i.reason = $5)
    AND ($6::text IS NULL OR i.correlation_id = $6)
    AND ($7::smallint IS NULL OR t.priority = $7)
    AND ($8::text[] IS NULL OR (i.tags <> '{}' AND i.tags @> $8))
    AND ($9::text[] IS NULL OR NOT EXISTS (
        SELECT FROM unnest($9, $10::text[], $11::text[]) AS w (kind, key, value)
        WHERE NOT EXISTS (
            SELECT FROM tasker.task_annotation AS a JOIN tasker.annotation_type AS y ON y.id = a.annotation_type_id
            WHERE a.task_id = t.id AND y.name = w.kind AND CASE json_typeof(a.value -> w.key)
                WHEN 'string' THEN a.value ->> w.key ELSE (a.value -> w.key)::text END = w.value)))
    AND ($20::text IS NULL OR i.context::jsonb @> $20::jsonb)
    AND ($12::timestamptz IS NULL OR t.created_at >= $12) AND ($13::timestamptz IS NULL OR t.created_at < $13)
    AND ($14::timestamptz IS NULL OR i.requested_at >= $14) AND ($15::timestamptz IS NULL OR i.requested_at < $15)
    AND ($16::timestamptz IS NULL OR t.updated_at >= $16) AND ($17::timestamptz IS NULL OR t.updated_at < $17)
    AND ($18::timestamptz IS NULL OR t.ended_at >= $18) AND ($19::timestamptz IS NULL OR t.ended_at < $19)
    AND ($21::text IS NULL OR i.created_by = $21 OR EXISTS (
        SELECT FROM tasker.definition_history AS h
        JOIN tasker.definition AS d ON d.id = h.definition_id
        JOIN tasker.namespace AS n ON n.id = d.namespace_id
        WHERE h.revision_id = t.revision_id AND n.name = ANY ($22::text[])))
