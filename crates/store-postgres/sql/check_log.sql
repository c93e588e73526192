-- The logs of some tasks.
SELECT task_id, seq, ordinal, from_state, to_state, at, actor, metadata::text
FROM tasker.transition WHERE task_id = ANY ($1::uuid[]) ORDER BY task_id, seq
