-- Every version of every definition, of one namespace or of all.
SELECT n.name, d.name, d.version, d.description, r.n_steps, r.digest, r.deprecated, d.retired, d.registered_at
FROM definition AS d
JOIN namespace AS n ON n.id = d.namespace_id
JOIN definition_revision AS r ON r.id = d.revision_id
WHERE ?1 IS NULL OR n.name = ?1
