-- Tasks created after $1 that took longest: $2 rows, $3 namespace, $4 name, $5 version.
SELECT task_id, task_name, namespace_name, version, duration_seconds::float8, step_count, completed_steps, error_steps,
    created_at, completed_at, initiator, source_system
FROM tasker.get_slowest_tasks($1::timestamptz, $2::integer, $3::text, $4::text, $5::text)
