-- A task, with what places it among others.
SELECT seq, id, state, revision_id, ended_at FROM task WHERE id = ?1
