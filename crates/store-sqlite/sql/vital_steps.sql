-- Steps whose last execution ended after ?1 and that are complete or in error, and those in error: of tasks that are open or
-- ended after it.
SELECT count(*), count(*) FILTER (WHERE s.state = 3)
FROM task AS t
JOIN step AS s ON s.key >= t.seq * 32768 AND s.key < (t.seq + 1) * 32768
WHERE (t.state IN (0, 1) OR t.ended_at > ?1) AND s.state IN (2, 3) AND s.last_attempted_at > ?1
