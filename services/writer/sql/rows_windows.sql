SELECT tenant_id, signal, (extract(epoch FROM rows_window))::bigint, days, legal_hold FROM public.retention_policy
