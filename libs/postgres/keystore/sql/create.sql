INSERT INTO api_key (tenant_id, key_id, name, scopes, hash, created_by, expires_at)
SELECT $1, $2, $3, $4, $5, $6, $7
WHERE (SELECT count(*) FROM api_key WHERE tenant_id = $1 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > now())) < $8
RETURNING created_at
