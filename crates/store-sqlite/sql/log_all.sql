-- The log after a position.
SELECT x.n, t.id, t.revision_id, i.correlation_id, x.seq, x.ordinal, x.from_state, x.to_state, x.at, x.actor, x.metadata
FROM transition AS x CROSS JOIN task AS t ON t.seq = x.task_seq LEFT JOIN task_input AS i ON i.task_seq = t.seq
WHERE x.n > ?1 ORDER BY x.n LIMIT ?2
