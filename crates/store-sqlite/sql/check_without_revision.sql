-- Tasks whose definition is not there.
SELECT t.id FROM task AS t WHERE NOT EXISTS (SELECT 1 FROM definition_revision AS r WHERE r.id = t.revision_id) LIMIT ?1
