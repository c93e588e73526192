-- All API keys, newest first.
SELECT id, name, digest, roles, grants, namespaces, created_at, created_by, expires_at, revoked_at, last_used_at
FROM tasker.api_key
ORDER BY created_at DESC, id DESC
