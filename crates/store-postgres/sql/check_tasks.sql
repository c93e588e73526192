-- Tasks in the order of their ids, for whoever visits all of them.
SELECT id, revision_id, state, active, remaining, priority, log_seq, log_epoch, log_xid, created_at, updated_at, ended_at,
    arrival
FROM tasker.task WHERE $1::uuid IS NULL OR id > $1 ORDER BY id LIMIT $2
