SELECT tenant_id, signal, (extract(epoch FROM rows_window))::bigint FROM public.retention_policy
