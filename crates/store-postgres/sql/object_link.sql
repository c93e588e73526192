-- Links two objects, if they are not linked.
INSERT INTO tasker.dependent_system_object_map (system_one_id, remote_id_one, system_two_id, remote_id_two, created_at)
SELECT a.id, $2, b.id, $4, $5 FROM tasker.dependent_system AS a, tasker.dependent_system AS b
WHERE a.name = $1 AND b.name = $3
ON CONFLICT DO NOTHING
