-- Claims a step, returns it, or gives it another time.
UPDATE queue SET run_at = ?2, worker_id = ?3, fence = ?4 WHERE key = ?1
