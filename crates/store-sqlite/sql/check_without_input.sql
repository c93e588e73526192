-- Tasks without their request.
SELECT t.id FROM task AS t WHERE NOT EXISTS (SELECT 1 FROM task_input AS i WHERE i.task_seq = t.seq) LIMIT ?1
