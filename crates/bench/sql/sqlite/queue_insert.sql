-- Schedules a step.
INSERT INTO queue (key, handler_id, priority, run_at, worker_id, fence) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
