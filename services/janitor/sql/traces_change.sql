-- A segment is settled for a time ($3 its grain, $4 its start): what was known of its traces is no longer all.
INSERT INTO public.{{.Table}} (tenant_id, placement, grain, start, state, changed_at) VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (tenant_id, grain, start, placement) DO UPDATE SET state = excluded.state, changed_at = excluded.changed_at, filter = NULL
