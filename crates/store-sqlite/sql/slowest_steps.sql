-- Complete steps of tasks created after ?1, the slowest first: ?2 namespace, ?3 name, ?4 version, ?5 rows.
SELECT t.id, x.name, x.ordinal, d.name, n.name, d.version, s.processed_at - s.started_at AS span, s.attempts,
    t.created_at, s.processed_at, s.retryable
FROM task AS t
JOIN definition_revision AS r ON r.id = t.revision_id
JOIN definition AS d ON d.id = r.definition_id
JOIN namespace AS n ON n.id = d.namespace_id
JOIN step AS s ON s.key >= t.seq * 32768 AND s.key < (t.seq + 1) * 32768
JOIN definition_step AS x ON x.revision_id = t.revision_id AND x.ordinal = s.key & 32767
WHERE (t.state IN (0, 1) OR t.ended_at > ?1) AND t.created_at > ?1 AND s.state = 2 AND s.processed_at > s.started_at
    AND (?2 IS NULL OR n.name = ?2) AND (?3 IS NULL OR d.name = ?3) AND (?4 IS NULL OR d.version = ?4)
ORDER BY span DESC, t.id, x.ordinal LIMIT ?5
