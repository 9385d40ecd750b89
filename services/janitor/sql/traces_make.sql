-- Unless a segment was settled for the time since: its state is another then.
UPDATE public.{{.Table}} SET filter = $6, segments = $7, max_position = $8
WHERE tenant_id = $1 AND placement = $2 AND grain = $3 AND start = $4 AND state = $5
