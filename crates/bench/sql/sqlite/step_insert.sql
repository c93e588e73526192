-- Its steps; a row of values is added for each.
INSERT INTO step (key, state, waits, attempts, retry_limit, retryable, fence, settled_fence, lease_expiries,
    key_generation, updated_at)
VALUES
