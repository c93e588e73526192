-- Tasks by correlation id after a value ($1) and an id ($2), up to a value ($3), smallest first.
SELECT task_id, correlation_id
FROM tasker.task_input
WHERE (correlation_id COLLATE "C", task_id) > ($1::text COLLATE "C", $2::uuid) AND correlation_id COLLATE "C" <= $3::text COLLATE "C"
ORDER BY correlation_id COLLATE "C", task_id LIMIT $4
