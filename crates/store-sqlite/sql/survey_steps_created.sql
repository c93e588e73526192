-- The steps of tasks created after ?1, of revisions (?2, a list as JSON; null: of all). CROSS JOIN keeps the loops in this
-- order, so that the steps of a task follow one another, in document order.
SELECT t.seq, t.revision_id, t.state, t.created_at, s.key & 32767, s.state, s.waits, s.attempts, s.started_at, s.processed_at
FROM task AS t CROSS JOIN step AS s ON s.key >= t.seq * 32768 AND s.key < (t.seq + 1) * 32768
WHERE t.created_at > ?1 AND (?2 IS NULL OR t.revision_id IN (SELECT value FROM json_each(?2)))
