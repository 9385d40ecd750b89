-- least() passes over what is missing: a key that is neither revoked nor expires has no end.
DELETE FROM public.api_key k
WHERE least(k.revoked_at, k.expires_at) < $1
  AND NOT EXISTS (SELECT FROM public.retention_policy p WHERE p.tenant_id = k.tenant_id AND p.legal_hold)
