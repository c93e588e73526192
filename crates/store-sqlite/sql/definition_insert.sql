-- A new version of a definition. Its revision follows.
INSERT INTO definition (namespace_id, name, version, revision_id, description, configuration, created_at, registered_at)
VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?6)
