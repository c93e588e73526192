-- How many tasks pass a filter: list_matches of all, and lists as JSON of states (?1) and revisions (?20).
SELECT count(*)
FROM task AS t JOIN task_input AS i ON i.task_seq = t.seq
WHERE (?1 IS NULL OR t.state IN (SELECT value FROM json_each(?1)))
    AND (?2 IS NULL OR i.initiator = ?2)
    AND (?3 IS NULL OR i.source_system = ?3)
    AND (?4 IS NULL OR i.reason = ?4)
    AND (?5 IS NULL OR i.correlation_id = ?5)
    AND (?6 IS NULL OR t.priority = ?6)
    AND NOT EXISTS (
        SELECT 1 FROM json_each(?7) AS w
        WHERE NOT EXISTS (SELECT 1 FROM json_each(i.tags) AS j WHERE j.value = w.value))
    AND NOT EXISTS (
        SELECT 1 FROM json_each(?8) AS w
        WHERE NOT EXISTS (
            SELECT 1 FROM task_annotation AS a
            JOIN annotation_type AS y ON y.id = a.annotation_type_id
            JOIN json_each(a.value) AS j
            WHERE a.task_seq = t.seq AND y.name = w.value ->> 0 AND j.key = w.value ->> 1
                AND iif(j.type = 'text', j.value, a.value -> j.fullkey) = w.value ->> 2))
    AND (?17 IS NULL OR contains(i.context, ?17))
    AND (?9 IS NULL OR t.created_at >= ?9) AND (?10 IS NULL OR t.created_at < ?10)
    AND (?11 IS NULL OR i.requested_at >= ?11) AND (?12 IS NULL OR i.requested_at < ?12)
    AND (?13 IS NULL OR t.updated_at >= ?13) AND (?14 IS NULL OR t.updated_at < ?14)
    AND (?15 IS NULL OR t.ended_at >= ?15) AND (?16 IS NULL OR t.ended_at < ?16)
    AND (?20 IS NULL OR t.revision_id IN (SELECT value FROM json_each(?20)))
    AND (?18 IS NULL OR i.created_by = ?18 OR EXISTS (
        SELECT 1 FROM definition_revision AS r
        JOIN definition AS d ON d.id = r.definition_id
        JOIN namespace AS n ON n.id = d.namespace_id
        WHERE r.id = t.revision_id AND n.name IN (SELECT value FROM json_each(?19))))
