-- Names of definitions in a namespace.
SELECT DISTINCT d.name FROM tasker.namespace AS n JOIN tasker.definition AS d ON d.namespace_id = n.id
WHERE n.name = $1
