-- The log after a position, up to the first transaction that is under way and may still add to it.
SELECT x.epoch, x.xid, x.n, x.task_id, t.revision_id, i.correlation_id, x.seq, x.ordinal, x.from_state, x.to_state, x.at, x.actor,
    x.metadata::text
FROM tasker.transition AS x LEFT JOIN tasker.task AS t ON t.id = x.task_id
    LEFT JOIN tasker.task_input AS i ON i.task_id = t.id
WHERE (x.epoch, x.xid, x.n) > ($1, $2, $3)
    AND (x.xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        OR x.epoch < (SELECT epoch FROM tasker.log_state))
ORDER BY x.epoch, x.xid, x.n LIMIT $4
