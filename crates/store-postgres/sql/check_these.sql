-- At most $2 broken invariants of the tasks $1.
SELECT f.code, f.task_id, f.step_name, f.message
FROM unnest($1::uuid[]) AS i (id) CROSS JOIN LATERAL tasker.check_invariants(i.id, i.id) AS f LIMIT $2
