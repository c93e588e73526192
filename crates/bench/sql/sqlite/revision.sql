-- The definition of the tasks and the handler of their steps.
SELECT r.id, (SELECT h.id FROM handler AS h WHERE h.name = ?2) FROM definition_revision AS r WHERE r.digest = ?1
