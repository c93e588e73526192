-- The log of one task after a position. Within a task, the order of seq is the order of n.
SELECT x.n, t.id, t.revision_id, i.correlation_id, x.seq, x.ordinal, x.from_state, x.to_state, x.at, x.actor, x.metadata
FROM task AS t LEFT JOIN task_input AS i ON i.task_seq = t.seq
    CROSS JOIN transition AS x INDEXED BY transition_by_task ON x.task_seq = t.seq
WHERE t.id = ?1 AND x.n > ?2 ORDER BY x.seq LIMIT ?3
