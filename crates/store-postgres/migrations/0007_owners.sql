-- Who created a task, for those who may do something with their own tasks only. Null: nobody was asked who they are.

ALTER TABLE tasker.task_input ADD COLUMN created_by text;

CREATE INDEX task_input_created_by_idx ON tasker.task_input (created_by COLLATE "C", task_id) WHERE created_by IS NOT NULL;
