-- Steps completed after ?1, and how long their last executions took: steps of tasks that are open or ended since then, or
-- were cancelled while they ran.
SELECT count(*), coalesce(sum(s.processed_at - s.started_at), 0)
FROM task AS t
JOIN step AS s ON s.key >= t.seq * 32768 AND s.key < (t.seq + 1) * 32768
WHERE (t.state IN (0, 1) OR t.ended_at > ?1 OR t.state = 4 AND t.updated_at > ?1)
    AND s.state = 2 AND s.processed_at > ?1 AND s.started_at IS NOT NULL
