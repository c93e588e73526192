-- Open tasks of revisions (?1, a list as JSON; null: of all).
SELECT count(*) FROM task AS t
WHERE t.state IN (0, 1) AND (?1 IS NULL OR t.revision_id IN (SELECT value FROM json_each(?1)))
