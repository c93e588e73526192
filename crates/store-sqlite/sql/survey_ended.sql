-- Tasks that ended by themselves after ?1, of revisions (?2, a list as JSON; null: of all). The plus keeps SQLite
-- from the index of states, which would lead to all that ever ended.
SELECT t.revision_id, t.state, t.ended_at - t.created_at FROM task AS t
WHERE t.ended_at > ?1 AND +t.state IN (2, 3) AND (?2 IS NULL OR t.revision_id IN (SELECT value FROM json_each(?2)))
