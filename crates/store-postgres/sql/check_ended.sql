-- Tasks after ($1, $2) in the order in which they ended, at most $3, with their places and their numbers of steps.
SELECT t.id, t.ended_at, t.arrival, coalesce(r.n_steps, 0)
FROM (
    SELECT e.id, e.ended_at, e.arrival, e.revision_id FROM tasker.task AS e
    WHERE e.ended_at IS NOT NULL AND (e.ended_at, e.arrival) > ($1::timestamptz, $2::bigint)
    ORDER BY e.ended_at, e.arrival LIMIT $3
) AS t
LEFT JOIN tasker.definition_revision AS r ON r.id = t.revision_id
ORDER BY t.ended_at, t.arrival
