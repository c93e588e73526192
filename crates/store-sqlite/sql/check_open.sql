-- Open tasks after one, in the order of the index, with what places them in this and other orders.
SELECT seq, id, state, revision_id, ended_at FROM task
WHERE state <= 1 AND (state, revision_id, id) > (?1, ?2, ?3) ORDER BY state, revision_id, id LIMIT ?4
