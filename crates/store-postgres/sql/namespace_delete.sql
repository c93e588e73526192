-- Removes a namespace.
DELETE FROM tasker.namespace WHERE name = $1
