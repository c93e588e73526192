-- Tasks in the order of their numbers, with what places them in this and other orders.
SELECT seq, id, state, revision_id, ended_at FROM task WHERE seq > ?1 ORDER BY seq LIMIT ?2
