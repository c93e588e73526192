-- All versions of a definition, with the content each has now.
SELECT d.id, d.version, d.revision_id, d.retired, r.digest
FROM namespace AS n
JOIN definition AS d ON d.namespace_id = n.id
JOIN definition_revision AS r ON r.id = d.revision_id
WHERE n.name = ?1 AND d.name = ?2
