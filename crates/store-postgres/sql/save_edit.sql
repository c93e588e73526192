-- Changes what an operator may change of a request; null leaves it.
UPDATE tasker.task_input SET reason = coalesce($2, reason), tags = coalesce($3, tags) WHERE task_id = $1
