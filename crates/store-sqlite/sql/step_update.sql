-- The hot part of a step that changed.
UPDATE step SET state = ?2, waits = ?3, attempts = ?4, retry_limit = ?5, retryable = ?6, fence = ?7,
    settled_fence = ?8, lease_expiries = ?9, key_generation = ?10, last_attempted_at = ?11, backoff_seconds = ?12,
    started_at = ?13, processed_at = ?14, updated_at = ?15
WHERE key = ?1
