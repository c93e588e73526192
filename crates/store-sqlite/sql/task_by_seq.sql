-- A task's hot row, by its number in this file.
SELECT seq, id, revision_id, state, active, remaining, priority, log_seq, created_at, updated_at, ended_at
FROM task WHERE seq = ?1
