-- Notes a deletion from the log, up to the last entry of any of these tasks; answers its number and that entry.
INSERT INTO log_pruning (number, n)
SELECT (SELECT coalesce(max(number), 0) + 1 FROM log_pruning), max(x.n)
FROM json_each(?1) AS v JOIN transition AS x ON x.task_seq = v.value
HAVING max(x.n) IS NOT NULL
RETURNING n, number
