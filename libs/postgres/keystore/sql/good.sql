SELECT key_id, tenant_id, scopes, hash, expires_at
FROM api_key
WHERE revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())
