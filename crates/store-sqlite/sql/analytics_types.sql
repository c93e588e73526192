-- Namespaces and names of definitions of which there are tasks.
SELECT count(DISTINCT namespace_id), count(*) FROM (
    SELECT DISTINCT d.namespace_id, d.name FROM definition AS d
    WHERE EXISTS (
        SELECT 1 FROM definition_revision AS r
        JOIN task AS t ON t.state IN (0, 1, 2, 3, 4, 5) AND t.revision_id = r.id
        WHERE r.definition_id = d.id
    )
)
