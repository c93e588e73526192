-- Tasks after an id in certain states ($3) and of certain revisions ($4), newest first: the newest of each pair, merged.
SELECT t.id
FROM unnest($3::smallint[]) AS wanted (state)
CROSS JOIN unnest($4::uuid[]) AS of (revision_id)
CROSS JOIN LATERAL (
    SELECT t.id FROM tasker.task AS t
    WHERE t.state = wanted.state AND t.revision_id = of.revision_id AND t.id < $1
    ORDER BY t.id DESC LIMIT $2
) AS t
ORDER BY t.id DESC LIMIT $2
