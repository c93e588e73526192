-- The definition of the tasks and the handler of their steps.
SELECT r.id, (SELECT h.id FROM tasker.handler AS h WHERE h.name = $2)
FROM tasker.definition_revision AS r WHERE r.digest = $1
