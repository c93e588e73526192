-- Names of definitions in a namespace.
SELECT DISTINCT name FROM definition WHERE namespace_id = ?1 ORDER BY name
