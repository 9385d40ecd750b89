-- The longest retention, the longest rows window and any legal hold of each signal, over all tenants: what has expired for all of them
-- can be dropped as a whole. A tenant without a row has the policy of the tenant default.
SELECT signal, max(days), (extract(epoch FROM max(rows_window)) * 1000000)::bigint * 1000, bool_or(legal_hold)
FROM public.{{.Table}}
GROUP BY signal
