-- All namespaces.
SELECT name FROM namespace ORDER BY name
