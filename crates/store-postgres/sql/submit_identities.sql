-- Takes identities for new tasks, in their order, but for those that another open transaction announced
-- (submit_announce); answers which were free.
WITH announced AS MATERIALIZED (
    SELECT l.objid::bigint AS key FROM pg_locks AS l
    WHERE l.locktype = 'advisory' AND l.classid = 1952543595 AND l.objsubid = 2 AND l.pid <> pg_backend_pid()
        AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
)
INSERT INTO tasker.identity (hash, task_id)
SELECT v.hash, v.task_id FROM unnest($1::text[], $2::uuid[], $3::bigint[]) AS v (hash, task_id, key)
WHERE NOT EXISTS (SELECT FROM announced WHERE announced.key = v.key)
ORDER BY v.hash
ON CONFLICT (hash) DO NOTHING
RETURNING hash
