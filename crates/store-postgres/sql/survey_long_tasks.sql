-- Tasks created after $1 that took longest, or take longest as of $4; of revisions ($2; null: of all), in states $3, $5 of them.
WITH longest AS MATERIALIZED (
    SELECT t.id, t.revision_id, t.state, t.created_at, t.ended_at,
        greatest(coalesce(t.ended_at, $4::timestamptz, statement_timestamp()) - t.created_at, interval '0') AS span
    FROM tasker.task AS t
    WHERE t.created_at > $1::timestamptz AND ($2::uuid[] IS NULL OR t.revision_id = ANY ($2))
        AND t.state = ANY ($3::smallint[])
    ORDER BY span DESC, t.id LIMIT $5
)
SELECT l.id, n.name, d.name, d.version, l.state, (extract(epoch FROM l.span) * 1000000)::bigint, s.n, s.done, s.in_error,
    l.created_at, l.ended_at, i.initiator, i.source_system
FROM longest AS l
JOIN tasker.definition_history AS h ON h.revision_id = l.revision_id
JOIN tasker.definition AS d ON d.id = h.definition_id
JOIN tasker.namespace AS n ON n.id = d.namespace_id
JOIN tasker.task_input AS i ON i.task_id = l.id
CROSS JOIN LATERAL (
    SELECT count(*) AS n, count(*) FILTER (WHERE s.state IN (2, 5)) AS done, count(*) FILTER (WHERE s.state = 3) AS in_error
    FROM tasker.step AS s WHERE s.task_id = l.id
) AS s
ORDER BY l.span DESC, l.id
