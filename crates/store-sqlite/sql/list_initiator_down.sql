-- Tasks by who asked after a value (?1) and an id (?2), up to a value (?3), greatest first.
SELECT task_id, initiator
FROM task_input
WHERE (initiator, task_id) < (?1, ?2) AND initiator >= ?3
ORDER BY initiator DESC, task_id DESC LIMIT ?4
