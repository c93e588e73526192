-- How many tasks pass a filter. Null lets all pass.
SELECT count(*)
FROM tasker.task AS t
WHERE ($1::smallint[] IS NULL OR t.state = ANY ($1))
    AND ($2::uuid[] IS NULL OR t.revision_id = ANY ($2))
    AND ($3::timestamptz IS NULL OR t.created_at > $3)
    AND ($4::text IS NULL OR EXISTS (
        SELECT FROM tasker.task_input AS i WHERE i.task_id = t.id AND i.tags <> '{}' AND i.tags @> ARRAY[$4]))
    AND ($5::text IS NULL OR EXISTS (
        SELECT FROM tasker.task_annotation AS a JOIN tasker.annotation_type AS y ON y.id = a.annotation_type_id
        WHERE a.task_id = t.id AND y.name = $5 AND CASE json_typeof(a.value -> $6)
            WHEN 'string' THEN a.value ->> $6 ELSE (a.value -> $6)::text END = $7))
