-- Lets an API key end sooner, revokes it, or notes that it was used; null leaves a column as it is.
UPDATE tasker.api_key
SET expires_at = least(expires_at, $2::timestamptz),
    revoked_at = coalesce(revoked_at, $3::timestamptz),
    last_used_at = greatest(last_used_at, $4::timestamptz)
WHERE id = $1
RETURNING id, name, digest, roles, grants, namespaces, created_at, created_by, expires_at, revoked_at, last_used_at
