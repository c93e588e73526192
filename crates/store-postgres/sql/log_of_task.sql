-- The log of one task after a position. A task's entries are written one after the other, so all of them can be told.
SELECT x.epoch, x.xid, x.n, x.task_id, t.revision_id, i.correlation_id, x.seq, x.ordinal, x.from_state, x.to_state, x.at, x.actor,
    x.metadata::text
FROM tasker.task AS t JOIN tasker.transition AS x ON x.task_id = t.id
    LEFT JOIN tasker.task_input AS i ON i.task_id = t.id
WHERE t.id = $1 AND (x.epoch, x.xid, x.n) > ($2, $3, $4)
ORDER BY x.seq LIMIT $5
