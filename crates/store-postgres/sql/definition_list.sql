-- Every version of every definition, of one namespace if $1 is not null.
SELECT n.name, d.name, d.version, d.description, r.n_steps, r.digest, r.deprecated, d.retired, d.registered_at
FROM tasker.definition AS d
JOIN tasker.namespace AS n ON n.id = d.namespace_id
JOIN tasker.definition_revision AS r ON r.id = d.revision_id
WHERE $1::text IS NULL OR n.name = $1
