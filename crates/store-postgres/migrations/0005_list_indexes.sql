-- Orders and filters of lists by what never changes of a task, so that no index is touched when a task goes on.

CREATE INDEX task_created_at_idx ON tasker.task (created_at, id);
CREATE INDEX task_input_requested_at_idx ON tasker.task_input (requested_at, task_id);
CREATE INDEX task_input_initiator_idx ON tasker.task_input (initiator COLLATE "C", task_id);
CREATE INDEX task_input_source_system_idx ON tasker.task_input (source_system COLLATE "C", task_id);
CREATE INDEX task_input_correlation_id_idx ON tasker.task_input (correlation_id COLLATE "C", task_id)
    WHERE correlation_id IS NOT NULL;
