-- A step of a new task.
INSERT INTO step (key, state, waits, attempts, retry_limit, retryable, fence, settled_fence, lease_expiries,
    key_generation, last_attempted_at, backoff_seconds, started_at, processed_at, updated_at, inputs, results, error)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)
