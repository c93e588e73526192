-- Open tasks after ($1, $2, $3) in the order of the index, at most $4, with their places and their numbers of steps.
SELECT t.id, t.state::bigint, t.revision_id, coalesce(r.n_steps, 0)
FROM (
    SELECT o.id, o.state, o.revision_id FROM tasker.task AS o
    WHERE o.state <= 1 AND (o.state, o.revision_id, o.id) > ($1::smallint, $2::uuid, $3::uuid)
    ORDER BY o.state, o.revision_id, o.id LIMIT $4
) AS t
LEFT JOIN tasker.definition_revision AS r ON r.id = t.revision_id
ORDER BY t.state, t.revision_id, t.id
