-- When the first unclaimed row of a task is due whose handler is among these.
SELECT min(run_at) FROM tasker.queue WHERE task_id = $1 AND worker IS NULL AND handler_id = ANY ($2::bigint[])
