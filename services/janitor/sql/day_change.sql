-- A segment is settled for a day: what was known of the day's traces is no longer all.
INSERT INTO public.{{.Table}} (tenant_id, placement, day, state, changed_at) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (tenant_id, day, placement) DO UPDATE SET state = excluded.state, changed_at = excluded.changed_at, filter = NULL
