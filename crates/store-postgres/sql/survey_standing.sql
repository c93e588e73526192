-- Open tasks, and those that ended after $1, complete and in error, of revisions ($2; null: of all).
SELECT (
        SELECT count(*) FROM tasker.task AS t
        WHERE t.state IN (0, 1) AND ($2::uuid[] IS NULL OR t.revision_id = ANY ($2))
    ),
    count(*) FILTER (WHERE t.state = 2), count(*) FILTER (WHERE t.state = 3)
FROM tasker.task AS t
WHERE t.ended_at > $1::timestamptz AND ($2::uuid[] IS NULL OR t.revision_id = ANY ($2))
