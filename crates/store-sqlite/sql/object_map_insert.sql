-- Links two objects, if they are not linked.
INSERT INTO dependent_system_object_map (system_one_id, remote_id_one, system_two_id, remote_id_two, created_at)
VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING
