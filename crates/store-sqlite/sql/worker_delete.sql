-- Forgets a worker.
DELETE FROM worker WHERE id = ?1
