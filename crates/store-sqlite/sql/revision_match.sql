-- Revisions of the definitions that a filter names; null matches all.
SELECT r.id, n.name, d.name, d.version FROM definition_revision AS r
JOIN definition AS d ON d.id = r.definition_id
JOIN namespace AS n ON n.id = d.namespace_id
WHERE (?1 IS NULL OR n.name = ?1) AND (?2 IS NULL OR d.name = ?2) AND (?3 IS NULL OR d.version = ?3)
