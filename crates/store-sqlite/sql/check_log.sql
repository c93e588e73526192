-- The log of a task.
SELECT seq, ordinal, from_state, to_state, at, actor, metadata FROM transition INDEXED BY transition_by_task
WHERE task_seq = ?1 ORDER BY seq
