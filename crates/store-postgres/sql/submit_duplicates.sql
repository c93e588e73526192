-- Whose identities these are.
SELECT hash, task_id FROM tasker.identity WHERE hash = ANY ($1::text[])
