-- What a handler needs of a task's request.
SELECT context, correlation_id FROM task_input WHERE task_seq = ?1
