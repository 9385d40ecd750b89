SELECT key_id, tenant_id, name, scopes, created_at, created_by, expires_at, revoked_at
FROM api_key
WHERE $1 = '' OR tenant_id = $1
ORDER BY created_at, key_id
