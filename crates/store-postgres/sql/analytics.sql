-- How it went since $1, as of $2.
SELECT active_tasks_count, total_namespaces_count, unique_task_types_count, system_health_score::float8, task_throughput,
    completion_count, error_count, completion_rate::float8, error_rate::float8, avg_task_duration::float8,
    avg_step_duration::float8, step_throughput, analysis_period_start, calculated_at
FROM tasker.get_analytics_metrics($1::timestamptz, $2::timestamptz)
