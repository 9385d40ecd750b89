-- Unless a segment was settled for the day since: its state is another then.
UPDATE public.{{.Table}} SET filter = $5, segments = $6, max_position = $7
WHERE tenant_id = $1 AND placement = $2 AND day = $3 AND state = $4
