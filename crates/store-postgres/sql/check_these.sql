-- At most $2 broken invariants of the tasks $1, in the order of `check_range.sql`.
SELECT f.code, f.task_id, f.step_name, f.message
FROM unnest($1::uuid[]) AS i (id) CROSS JOIN LATERAL tasker.check_invariants(i.id, i.id) AS f
ORDER BY f.task_id, f.code, f.step_name, length(f.message), f.message LIMIT $2
