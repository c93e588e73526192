-- Claims a step.
UPDATE queue SET worker_id = ?2, fence = ?3 WHERE key = ?1
