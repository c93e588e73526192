-- Tasks per namespace and state. They are counted in the order of an index first, so that only counts are sorted.
SELECT n.name, c.state, sum(c.n)
FROM (SELECT state, revision_id, count(*) AS n FROM task GROUP BY state, revision_id) AS c
JOIN definition_revision AS r ON r.id = c.revision_id
JOIN definition AS d ON d.id = r.definition_id
JOIN namespace AS n ON n.id = d.namespace_id
GROUP BY n.id, c.state
