-- Takes identities for new tasks, in their order; answers which were free.
INSERT INTO tasker.identity (hash, task_id)
SELECT v.hash, v.task_id FROM unnest($1::text[], $2::uuid[]) AS v (hash, task_id) ORDER BY v.hash
ON CONFLICT (hash) DO NOTHING
RETURNING hash
