UPDATE api_key SET revoked_at = coalesce(revoked_at, now())
WHERE ($1 = '' OR tenant_id = $1) AND key_id = $2
