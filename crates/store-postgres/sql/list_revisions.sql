-- Revisions that the definitions of a filter ever had; null matches all.
SELECT h.revision_id, n.name, d.name, d.version
FROM tasker.definition_history AS h
JOIN tasker.definition AS d ON d.id = h.definition_id
JOIN tasker.namespace AS n ON n.id = d.namespace_id
WHERE ($1::text IS NULL OR n.name = $1) AND ($2::text IS NULL OR d.name = $2) AND ($3::text IS NULL OR d.version = $3)
