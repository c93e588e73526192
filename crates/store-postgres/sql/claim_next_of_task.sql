-- When the first unclaimed row of a task is due whose handler is among these. (The odd condition: see
-- lock_due.sql.)
SELECT min(run_at) FROM tasker.queue
WHERE task_id = $1 AND (worker IS NULL)::integer = 1 AND handler_id = ANY ($2::bigint[])
