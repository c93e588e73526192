-- Tasks created after ?1 of which a step is done or failed, the slowest first: ?2 namespace, ?3 name, ?4 version, ?5 rows.
SELECT t.id, d.name, n.name, d.version, count(*), count(*) FILTER (WHERE s.state IN (2, 5)),
    count(*) FILTER (WHERE s.state = 3), t.created_at,
    max(CASE WHEN s.state IN (2, 5) THEN s.processed_at WHEN s.state = 3 THEN s.last_attempted_at END) AS finished_at,
    i.initiator, i.source_system
FROM task AS t
JOIN definition_revision AS r ON r.id = t.revision_id
JOIN definition AS d ON d.id = r.definition_id
JOIN namespace AS n ON n.id = d.namespace_id
JOIN task_input AS i ON i.task_seq = t.seq
JOIN step AS s ON s.key >= t.seq * 32768 AND s.key < (t.seq + 1) * 32768
WHERE (t.state IN (0, 1) OR t.ended_at > ?1) AND t.created_at > ?1
    AND (?2 IS NULL OR n.name = ?2) AND (?3 IS NULL OR d.name = ?3) AND (?4 IS NULL OR d.version = ?4)
GROUP BY t.seq
HAVING finished_at IS NOT NULL
ORDER BY finished_at - t.created_at DESC, t.id LIMIT ?5
