-- Orders and filters of lists by what never changes of a task, so that no index is touched when a task goes on.

-- The id of the task, for equal tasks are sorted by it.
ALTER TABLE task_input ADD COLUMN task_id BLOB;
UPDATE task_input SET task_id = (SELECT id FROM task WHERE seq = task_seq);

CREATE INDEX task_by_creation ON task (created_at, id);
CREATE INDEX task_input_by_request ON task_input (requested_at, task_id);
CREATE INDEX task_input_by_initiator ON task_input (initiator, task_id);
CREATE INDEX task_input_by_system ON task_input (source_system, task_id);
CREATE INDEX task_input_by_correlation ON task_input (correlation_id, task_id) WHERE correlation_id IS NOT NULL;
