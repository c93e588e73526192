-- An API key.
SELECT id, name, digest, roles, grants, namespaces, created_at, created_by, expires_at, revoked_at, last_used_at
FROM api_key
WHERE id = ?1
