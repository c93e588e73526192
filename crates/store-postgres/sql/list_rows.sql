-- Of certain tasks ($23) those that pass a filter, as lists show them. Null lets all pass. OFFSET keeps the conditions
-- outside, so that no other index than that of the ids is tried, however few tasks the planner takes them to match.
SELECT t.id, n.name, d.name, d.version, t.state, r.n_steps, t.remaining, t.priority, t.initiator, t.source_system,
    t.reason, t.tags, t.requested_at, t.created_at, t.updated_at, t.ended_at
FROM unnest($23::uuid[]) AS asked (id)
CROSS JOIN LATERAL (
    SELECT t.*, i.initiator, i.source_system, i.reason, i.tags, i.correlation_id, i.requested_at, i.context, i.created_by
    FROM tasker.task AS t JOIN tasker.task_input AS i ON i.task_id = t.id
    WHERE t.id = asked.id
    OFFSET 0
) AS t
JOIN tasker.definition_revision AS r ON r.id = t.revision_id
JOIN tasker.definition_history AS h ON h.revision_id = t.revision_id
JOIN tasker.definition AS d ON d.id = h.definition_id
JOIN tasker.namespace AS n ON n.id = d.namespace_id
WHERE ($1::smallint[] IS NULL OR t.state = ANY ($1))
    AND ($2::uuid[] IS NULL OR t.revision_id = ANY ($2))
    AND ($3::text IS NULL OR t.initiator = $3)
    AND ($4::text IS NULL OR t.source_system = $4)
    AND ($5::text IS NULL OR t.reason = $5)
    AND ($6::text IS NULL OR t.correlation_id = $6)
    AND ($7::smallint IS NULL OR t.priority = $7)
    AND ($8::text[] IS NULL OR t.tags @> $8)
    AND ($9::text[] IS NULL OR NOT EXISTS (
        SELECT FROM unnest($9, $10::text[], $11::text[]) AS w (kind, key, value)
        WHERE NOT EXISTS (
            SELECT FROM tasker.task_annotation AS a JOIN tasker.annotation_type AS y ON y.id = a.annotation_type_id
            WHERE a.task_id = t.id AND y.name = w.kind AND CASE json_typeof(a.value -> w.key)
                WHEN 'string' THEN a.value ->> w.key ELSE (a.value -> w.key)::text END = w.value)))
    AND ($20::text IS NULL OR t.context::jsonb @> $20::jsonb)
    AND ($12::timestamptz IS NULL OR t.created_at >= $12) AND ($13::timestamptz IS NULL OR t.created_at < $13)
    AND ($14::timestamptz IS NULL OR t.requested_at >= $14) AND ($15::timestamptz IS NULL OR t.requested_at < $15)
    AND ($16::timestamptz IS NULL OR t.updated_at >= $16) AND ($17::timestamptz IS NULL OR t.updated_at < $17)
    AND ($18::timestamptz IS NULL OR t.ended_at >= $18) AND ($19::timestamptz IS NULL OR t.ended_at < $19)
    AND ($21::text IS NULL OR t.created_by = $21 OR n.name = ANY ($22::text[]))
