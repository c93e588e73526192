-- Steps without a task.
SELECT s.key FROM step AS s WHERE NOT EXISTS (SELECT 1 FROM task AS t WHERE t.seq = s.key >> 15) LIMIT ?1
