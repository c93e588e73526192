-- A version of a definition.
SELECT d.id, d.revision_id, d.retired
FROM tasker.namespace AS n
JOIN tasker.definition AS d ON d.namespace_id = n.id
WHERE n.name = $1 AND d.name = $2 AND d.version = $3
