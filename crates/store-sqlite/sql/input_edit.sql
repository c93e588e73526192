-- An operator's edit of a request; null leaves a column as it is.
UPDATE task_input SET reason = coalesce(?2, reason), tags = coalesce(?3, tags) WHERE task_seq = ?1
