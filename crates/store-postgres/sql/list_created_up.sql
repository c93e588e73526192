-- Tasks by when they were accepted after a value ($1) and an id ($2), up to a value ($3), smallest first.
SELECT id, created_at
FROM tasker.task
WHERE (created_at, id) > ($1::timestamptz, $2::uuid) AND created_at <= $3::timestamptz
ORDER BY created_at, id LIMIT $4
