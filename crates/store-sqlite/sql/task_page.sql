-- Tasks in the order of their numbers, for whoever visits all of them.
SELECT seq, id, revision_id, state, active, remaining, priority, log_seq, created_at, updated_at, ended_at
FROM task WHERE seq > ?1 ORDER BY seq LIMIT ?2
