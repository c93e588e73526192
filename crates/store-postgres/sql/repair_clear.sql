-- Takes the queue rows of steps $2 of the locked task $1 away.
DELETE FROM tasker.queue AS q WHERE q.task_id = $1 AND q.ordinal = ANY ($2::integer[])
