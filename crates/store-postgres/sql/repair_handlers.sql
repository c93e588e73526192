-- Steps of task $1 whose queue rows name another handler than the definition $2.
SELECT q.ordinal FROM tasker.queue AS q
JOIN tasker.definition_step AS d ON d.revision_id = $2 AND d.ordinal = q.ordinal AND d.handler_id <> q.handler_id
WHERE q.task_id = $1
