-- The link between two objects, in either order, as it is stored.
SELECT a.name, m.remote_id_one, b.name, m.remote_id_two
FROM tasker.dependent_system_object_map AS m
JOIN tasker.dependent_system AS a ON a.id = m.system_one_id
JOIN tasker.dependent_system AS b ON b.id = m.system_two_id
WHERE (a.name = $1 AND m.remote_id_one = $2 AND b.name = $3 AND m.remote_id_two = $4)
    OR (a.name = $3 AND m.remote_id_one = $4 AND b.name = $1 AND m.remote_id_two = $2)
LIMIT 1
