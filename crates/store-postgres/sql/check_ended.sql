-- Tasks after ($1, $2) in the order in which they ended, at most $3, with their places and their numbers of steps. $1 is null
-- for those that ended less than $4 microseconds before $5, which is null for the time of the server.
SELECT t.id, t.ended_at, t.arrival, coalesce(r.n_steps, 0)
FROM (
    SELECT e.id, e.ended_at, e.arrival, e.revision_id FROM tasker.task AS e
    WHERE e.ended_at IS NOT NULL AND (e.ended_at, e.arrival) > (
        coalesce($1::timestamptz, coalesce($5::timestamptz, statement_timestamp()) - $4::bigint * interval '1 microsecond'),
        $2::bigint)
    ORDER BY e.ended_at, e.arrival LIMIT $3
) AS t
LEFT JOIN tasker.definition_revision AS r ON r.id = t.revision_id
ORDER BY t.ended_at, t.arrival
