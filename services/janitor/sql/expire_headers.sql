-- The headers whose first item lies in [$1, $2): how many, and how many items they have.
WITH gone AS (DELETE FROM public.{{.Table}} WHERE min_time >= $1 AND min_time < $2 RETURNING items)
SELECT count(*), coalesce(sum(items), 0)::bigint FROM gone
