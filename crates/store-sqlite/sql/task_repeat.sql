-- What was stored under an id that is submitted again.
SELECT i.content FROM task AS t JOIN task_input AS i ON i.task_seq = t.seq WHERE t.id = ?1
