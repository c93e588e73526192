-- Queue rows without a step and without a task.
SELECT q.key FROM queue AS q
WHERE NOT EXISTS (SELECT 1 FROM step AS s WHERE s.key = q.key)
    AND NOT EXISTS (SELECT 1 FROM task AS t WHERE t.seq = q.key >> 15) LIMIT ?1
