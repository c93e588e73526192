-- New content of a definition.
INSERT INTO definition_revision (definition_id, digest, n_steps, deprecated, created_at, document)
VALUES (?1, ?2, ?3, ?4, ?5, ?6)
