-- Rows that belong to no task, step or definition: what foreign keys would forbid.
(SELECT 'orphan_step' AS code, s.task_id, s.ordinal FROM tasker.step AS s
    WHERE NOT EXISTS (SELECT FROM tasker.task AS t WHERE t.id = s.task_id) LIMIT $1)
UNION ALL
(SELECT 'orphan_queue_row', q.task_id, q.ordinal FROM tasker.queue AS q
    WHERE NOT EXISTS (SELECT FROM tasker.step AS s WHERE s.task_id = q.task_id AND s.ordinal = q.ordinal) LIMIT $1)
UNION ALL
(SELECT 'orphan_log_entry', x.task_id, x.ordinal FROM tasker.transition AS x
    WHERE NOT EXISTS (SELECT FROM tasker.task AS t WHERE t.id = x.task_id) LIMIT $1)
UNION ALL
(SELECT 'orphan_input', i.task_id, NULL FROM tasker.task_input AS i
    WHERE NOT EXISTS (SELECT FROM tasker.task AS t WHERE t.id = i.task_id) LIMIT $1)
UNION ALL
(SELECT 'input_missing', t.id, NULL FROM tasker.task AS t
    WHERE NOT EXISTS (SELECT FROM tasker.task_input AS i WHERE i.task_id = t.id) LIMIT $1)
UNION ALL
(SELECT 'row_handler', q.task_id, q.ordinal FROM tasker.queue AS q
    JOIN tasker.task AS t ON t.id = q.task_id
    JOIN tasker.definition_step AS d ON d.revision_id = t.revision_id AND d.ordinal = q.ordinal
    WHERE d.handler_id <> q.handler_id LIMIT $1)
