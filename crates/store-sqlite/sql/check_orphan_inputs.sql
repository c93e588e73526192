-- Requests without a task.
SELECT i.task_seq FROM task_input AS i WHERE NOT EXISTS (SELECT 1 FROM task AS t WHERE t.seq = i.task_seq) LIMIT ?1
