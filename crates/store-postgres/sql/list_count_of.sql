-- How many tasks are in certain states ($1) and of certain revisions ($2). Null lets all pass.
SELECT count(*)
FROM tasker.task AS t
WHERE ($1::smallint[] IS NULL OR t.state = ANY ($1)) AND ($2::uuid[] IS NULL OR t.revision_id = ANY ($2))
