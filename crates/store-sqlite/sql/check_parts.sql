-- Whether the request of a task (?1) and its definition (?2) are there.
SELECT EXISTS (SELECT 1 FROM task_input WHERE task_seq = ?1), EXISTS (SELECT 1 FROM definition_revision WHERE id = ?2)
