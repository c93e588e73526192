-- Queue rows without a step.
SELECT q.key FROM queue AS q WHERE NOT EXISTS (SELECT 1 FROM step AS s WHERE s.key = q.key) LIMIT ?1
