-- An entry of the log.
INSERT INTO transition (task_seq, seq, ordinal, from_state, to_state, at, actor, metadata)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
