-- Log entries without a task.
SELECT x.n FROM transition AS x WHERE NOT EXISTS (SELECT 1 FROM task AS t WHERE t.seq = x.task_seq) LIMIT ?1
