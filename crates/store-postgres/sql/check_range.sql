-- At most $3 broken invariants of the tasks after $1, up to $2; null is the beginning or the end. In one order, however the
-- planner finds them.
SELECT code, task_id, step_name, message
FROM tasker.check_invariants(coalesce($1::uuid, '00000000-0000-0000-0000-000000000000'),
    coalesce($2::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
WHERE task_id IS DISTINCT FROM $1
ORDER BY task_id, code, step_name, length(message), message LIMIT $3
