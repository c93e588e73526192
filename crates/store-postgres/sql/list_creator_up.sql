-- Tasks by whoever created them after a value ($1) and an id ($2), up to a value ($3), smallest first.
SELECT task_id, created_by
FROM tasker.task_input
WHERE (created_by COLLATE "C", task_id) > ($1::text COLLATE "C", $2::uuid) AND created_by COLLATE "C" <= $3::text COLLATE "C"
ORDER BY created_by COLLATE "C", task_id LIMIT $4
