-- The position before the last so many entries of one task.
SELECT epoch, xid, n FROM tasker.transition WHERE task_id = $1 ORDER BY seq DESC OFFSET $2 LIMIT 1
