-- Tasks by from which system after a value ($1) and an id ($2), up to a value ($3), smallest first.
SELECT task_id, source_system
FROM tasker.task_input
WHERE (source_system COLLATE "C", task_id) > ($1::text COLLATE "C", $2::uuid) AND source_system COLLATE "C" <= $3::text COLLATE "C"
ORDER BY source_system COLLATE "C", task_id LIMIT $4
