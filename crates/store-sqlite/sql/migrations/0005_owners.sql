-- Who created a task, for those who may do something with their own tasks only. Null: nobody was asked who they are.

ALTER TABLE task_input ADD COLUMN created_by TEXT;

CREATE INDEX task_input_by_creator ON task_input (created_by, task_id) WHERE created_by IS NOT NULL;
