-- Entries of the log; a row of values is added for each.
INSERT INTO transition (task_seq, seq, ordinal, from_state, to_state, at, actor, metadata)
VALUES
