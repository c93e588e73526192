-- Open tasks of which no step is scheduled or running.
SELECT count(*) FROM task AS t
WHERE t.state IN (0, 1)
    AND NOT EXISTS (SELECT 1 FROM queue AS q WHERE q.key >= t.seq * 32768 AND q.key < (t.seq + 1) * 32768)
