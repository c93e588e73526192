-- Steps of tasks created after $1 that took longest: $2 rows, $3 namespace, $4 name, $5 version.
SELECT task_id, step_name, ordinal, task_name, namespace_name, version, duration_seconds::float8, attempts, created_at,
    completed_at, retryable
FROM tasker.get_slowest_steps($1::timestamptz, $2::integer, $3::text, $4::text, $5::text)
