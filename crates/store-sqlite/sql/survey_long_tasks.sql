-- Tasks created after ?1 that took longest, or take longest as of ?4; of revisions (?2, a list as JSON; null: of all), in
-- states (?3, a list as JSON), ?5 of them. The plus keeps SQLite from the index of states.
WITH longest AS MATERIALIZED (
    SELECT t.seq, t.id, t.revision_id, t.state, t.created_at, t.ended_at,
        max(coalesce(t.ended_at, ?4) - t.created_at, 0) AS span
    FROM task AS t
    WHERE t.created_at > ?1 AND (?2 IS NULL OR t.revision_id IN (SELECT value FROM json_each(?2)))
        AND +t.state IN (SELECT value FROM json_each(?3))
    ORDER BY span DESC, t.id LIMIT ?5
)
SELECT c.id, n.name, d.name, d.version, c.state, c.span, count(s.key), count(*) FILTER (WHERE s.state IN (2, 5)),
    count(*) FILTER (WHERE s.state = 3), c.created_at, c.ended_at, i.initiator, i.source_system
FROM longest AS c
JOIN definition_revision AS r ON r.id = c.revision_id
JOIN definition AS d ON d.id = r.definition_id
JOIN namespace AS n ON n.id = d.namespace_id
JOIN task_input AS i ON i.task_seq = c.seq
LEFT JOIN step AS s ON s.key >= c.seq * 32768 AND s.key < (c.seq + 1) * 32768
GROUP BY c.seq ORDER BY c.span DESC, c.id
