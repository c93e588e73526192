-- Lets no new task use a version, or allows it again.
UPDATE tasker.definition SET retired = $4
WHERE namespace_id = (SELECT id FROM tasker.namespace WHERE name = $1) AND name = $2 AND version = $3
