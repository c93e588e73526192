-- All namespaces, sorted.
SELECT name FROM tasker.namespace ORDER BY name COLLATE "C"
