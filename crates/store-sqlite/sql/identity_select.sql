-- The task that was accepted for an identity.
SELECT t.id FROM identity AS i JOIN task AS t ON t.seq = i.task_seq WHERE i.hash = ?1
