-- A dependency of a revision, for people's SQL.
INSERT INTO definition_edge (revision_id, parent, child) VALUES (?1, ?2, ?3)
