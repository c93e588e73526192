-- Tasks created after ?1, of revisions (?2, a list as JSON; null: of all).
SELECT t.revision_id, t.state, t.ended_at - t.created_at FROM task AS t
WHERE t.created_at > ?1 AND (?2 IS NULL OR t.revision_id IN (SELECT value FROM json_each(?2)))
