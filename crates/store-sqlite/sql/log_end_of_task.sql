-- The position before the last so many entries of one task.
SELECT x.n FROM task AS t JOIN transition AS x ON x.task_seq = t.seq
WHERE t.id = ?1 ORDER BY x.seq DESC LIMIT 1 OFFSET ?2
