INSERT INTO api_key (tenant_id, key_id, name, scopes, hash, created_by, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
RETURNING created_at
