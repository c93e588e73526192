-- What must be known before tasks are accepted: the time and the place in the stream (kind 0, always), requests stored
-- under these ids ($1, kind 1), versions of these definitions ($2, $3, kind 2), and numbers for as many tasks
-- (kind 3).
SELECT 0, NULL::uuid, NULL::bytea, statement_timestamp(), (SELECT epoch FROM tasker.log_state),
    pg_current_xact_id()::text::bigint, NULL::text, NULL::text, NULL::text, NULL::boolean
UNION ALL
SELECT 1, i.task_id, i.content, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM unnest($1::uuid[]) AS v (task_id)
JOIN tasker.task_input AS i ON i.task_id = v.task_id
UNION ALL
SELECT 2, d.revision_id, NULL, NULL, NULL, NULL, v.namespace, v.name, d.version, d.retired
FROM unnest($2::text[], $3::text[]) AS v (namespace, name)
JOIN tasker.namespace AS n ON n.name = v.namespace
JOIN tasker.definition AS d ON d.namespace_id = n.id AND d.name = v.name
UNION ALL
SELECT 3, NULL, NULL, NULL, NULL, nextval('tasker.task_arrival_seq'), NULL, NULL, NULL, NULL
FROM generate_series(1, cardinality($1))
