-- Deletes locked tasks with all that is theirs, and notes how far the log was deleted.
WITH gone_step AS (
    DELETE FROM tasker.step WHERE task_id = ANY ($1::uuid[])
), gone_input AS (
    DELETE FROM tasker.task_input WHERE task_id = ANY ($1::uuid[])
), gone_identity AS (
    DELETE FROM tasker.identity WHERE task_id = ANY ($1::uuid[])
), gone_annotation AS (
    DELETE FROM tasker.task_annotation WHERE task_id = ANY ($1::uuid[])
), gone_entry AS (
    DELETE FROM tasker.transition WHERE task_id = ANY ($1::uuid[]) RETURNING epoch, xid, n
), newest AS (
    SELECT epoch, xid, n FROM gone_entry ORDER BY epoch DESC, xid DESC, n DESC LIMIT 1
), horizon AS (
    UPDATE tasker.log_state AS s
    SET pruned_epoch = newest.epoch, pruned_xid = newest.xid, pruned_n = newest.n
    FROM newest
    WHERE (newest.epoch, newest.xid, newest.n) > (s.pruned_epoch, s.pruned_xid, s.pruned_n)
)
DELETE FROM tasker.task WHERE id = ANY ($1::uuid[])
