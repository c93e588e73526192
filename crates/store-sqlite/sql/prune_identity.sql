-- Lets the identity of a deleted task be used again.
DELETE FROM identity WHERE hash = (SELECT identity FROM task_input WHERE task_seq = ?1)
