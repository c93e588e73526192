-- The result of a step that is complete or resolved by hand.
SELECT results::text FROM tasker.step WHERE task_id = $1 AND ordinal = $2 AND state IN (2, 5)
