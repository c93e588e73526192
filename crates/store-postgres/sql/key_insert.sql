-- Adds an API key, unless there is one of its id.
INSERT INTO tasker.api_key (id, name, digest, roles, grants, namespaces, created_at,
    created_by, expires_at, revoked_at, last_used_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
ON CONFLICT (id) DO NOTHING
