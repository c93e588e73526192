-- A step of a revision, for people's SQL and for the handler numbers.
INSERT INTO definition_step (revision_id, ordinal, name, handler_id, dependent_system_id) VALUES (?1, ?2, ?3, ?4, ?5)
