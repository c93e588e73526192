-- Tasks with their requests.
SELECT t.id, t.revision_id, t.state, t.active, t.remaining, t.priority, t.log_seq, t.log_epoch, t.log_xid,
    t.created_at, t.updated_at, t.ended_at, t.arrival, i.context::text, i.initiator, i.source_system, i.reason, i.tags,
    i.bypass_steps, i.requested_at, i.correlation_id, i.identity, i.content, i.created_by
FROM tasker.task AS t JOIN tasker.task_input AS i ON i.task_id = t.id
WHERE t.id = ANY ($1::uuid[])
