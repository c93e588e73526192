-- Lets an API key end sooner, revokes it, or notes that it was used; null leaves a column as it is.
UPDATE api_key
SET expires_at = CASE WHEN ?2 IS NULL THEN expires_at ELSE min(coalesce(expires_at, ?2), ?2) END,
    revoked_at = coalesce(revoked_at, ?3),
    last_used_at = CASE WHEN ?4 IS NULL THEN last_used_at ELSE max(coalesce(last_used_at, ?4), ?4) END
WHERE id = ?1
RETURNING id, name, digest, roles, grants, namespaces, created_at, created_by, expires_at, revoked_at, last_used_at
