-- Tasks after one in the order in which they ended, with what places them in this and other orders.
SELECT seq, id, state, revision_id, ended_at FROM task
WHERE ended_at IS NOT NULL AND (ended_at, seq) > (?1, ?2) ORDER BY ended_at, seq LIMIT ?3
