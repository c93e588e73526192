-- Tasks by when they were asked for after a value ($1) and an id ($2), up to a value ($3), smallest first.
SELECT task_id, requested_at
FROM tasker.task_input
WHERE (requested_at, task_id) > ($1::timestamptz, $2::uuid) AND requested_at <= $3::timestamptz
ORDER BY requested_at, task_id LIMIT $4
