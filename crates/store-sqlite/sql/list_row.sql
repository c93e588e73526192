-- A task as lists show it.
SELECT t.id, n.name, d.name, d.version, t.state, r.n_steps, t.remaining, t.priority, i.initiator, i.source_system,
    i.reason, i.tags, i.requested_at, t.created_at, t.updated_at, t.ended_at
FROM task AS t
JOIN task_input AS i ON i.task_seq = t.seq
JOIN definition_revision AS r ON r.id = t.revision_id
JOIN definition AS d ON d.id = r.definition_id
JOIN namespace AS n ON n.id = d.namespace_id
WHERE t.id = ?1
