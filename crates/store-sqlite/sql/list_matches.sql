-- Whether a task passes the filters that no index helps: created after, tag, annotation. Null lets all pass. Text in
-- an annotation stands for itself, anything else for its JSON.
SELECT (?2 IS NULL OR t.created_at > ?2)
    AND (?3 IS NULL OR EXISTS (
        SELECT 1 FROM task_input AS i, json_each(i.tags) AS j WHERE i.task_seq = t.seq AND j.value = ?3))
    AND (?4 IS NULL OR EXISTS (
        SELECT 1 FROM task_annotation AS a
        JOIN annotation_type AS y ON y.id = a.annotation_type_id
        JOIN json_each(a.value) AS j
        WHERE a.task_seq = t.seq AND y.name = ?4 AND j.key = ?5
            AND iif(j.type = 'text', j.value, a.value -> j.fullkey) = ?6))
FROM task AS t WHERE t.id = ?1
