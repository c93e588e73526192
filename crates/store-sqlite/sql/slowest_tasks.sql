-- Tasks created after ?1 of which a step is done or failed, the slowest first: ?2 namespace, ?3 name, ?4 version, ?5 rows.
WITH recent AS MATERIALIZED (
    SELECT seq, id, revision_id, created_at FROM task WHERE (state IN (0, 1) OR ended_at > ?1) AND created_at > ?1
)
SELECT c.id, d.name, n.name, d.version, count(*), count(*) FILTER (WHERE s.state IN (2, 5)),
    count(*) FILTER (WHERE s.state = 3), c.created_at,
    max(CASE WHEN s.state IN (2, 5) THEN s.processed_at WHEN s.state = 3 THEN s.last_attempted_at END) AS finished_at,
    i.initiator, i.source_system
FROM recent AS c
JOIN definition_revision AS r ON r.id = c.revision_id
JOIN definition AS d ON d.id = r.definition_id
JOIN namespace AS n ON n.id = d.namespace_id
JOIN task_input AS i ON i.task_seq = c.seq
JOIN step AS s ON s.key >= c.seq * 32768 AND s.key < (c.seq + 1) * 32768
WHERE (?2 IS NULL OR n.name = ?2) AND (?3 IS NULL OR d.name = ?3) AND (?4 IS NULL OR d.version = ?4)
GROUP BY c.seq
HAVING finished_at IS NOT NULL
ORDER BY finished_at - c.created_at DESC, c.id LIMIT ?5
