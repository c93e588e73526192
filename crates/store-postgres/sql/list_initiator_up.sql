-- Tasks by who asked after a value ($1) and an id ($2), up to a value ($3), smallest first.
SELECT task_id, initiator
FROM tasker.task_input
WHERE (initiator COLLATE "C", task_id) > ($1::text COLLATE "C", $2::uuid) AND initiator COLLATE "C" <= $3::text COLLATE "C"
ORDER BY initiator COLLATE "C", task_id LIMIT $4
