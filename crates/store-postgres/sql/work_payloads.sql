-- What handlers need of tasks ($1: context, correlation id) and of steps ($2, $3: own inputs, results if done).
SELECT i.task_id, NULL::integer AS ordinal, i.context::text, i.correlation_id
FROM unnest($1::uuid[]) AS v (task_id)
JOIN tasker.task_input AS i ON i.task_id = v.task_id
UNION ALL
SELECT s.task_id, s.ordinal, CASE WHEN s.state IN (2, 5) THEN s.results::text END, s.inputs::text
FROM unnest($2::uuid[], $3::integer[]) AS v (task_id, ordinal)
JOIN tasker.step AS s ON s.task_id = v.task_id AND s.ordinal = v.ordinal
