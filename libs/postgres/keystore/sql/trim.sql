-- Of a tenant's keys that open nothing any more, the newest $2 are kept; all of them under legal hold, as the janitor keeps them.
DELETE FROM api_key
WHERE NOT EXISTS (SELECT FROM public.retention_policy p WHERE p.tenant_id = $1 AND p.legal_hold)
  AND (tenant_id, key_id) IN (
  SELECT tenant_id, key_id FROM api_key
  WHERE tenant_id = $1 AND least(revoked_at, expires_at) <= now()
  ORDER BY least(revoked_at, expires_at) DESC, key_id
  OFFSET $2
)
