-- A new task.
INSERT INTO task (seq, id, revision_id, state, active, remaining, priority, log_seq, created_at, updated_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)
