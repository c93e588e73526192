-- The versions of a definition. At least one row if there is such a namespace.
SELECT d.version, d.revision_id, d.retired
FROM tasker.namespace AS n
LEFT JOIN tasker.definition AS d ON d.namespace_id = n.id AND d.name = $2
WHERE n.name = $1
