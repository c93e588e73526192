-- Keeps other requests with this identity out.
INSERT INTO identity (hash, task_seq) VALUES (?1, ?2)
