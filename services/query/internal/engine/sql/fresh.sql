-- The segments of $2 to before $4 that are in no rollup yet. Of a minute that begins before $5 either all are told, by the time of their newest item, or none;
-- what reaches beyond it, until before $6, is there where it begins in the range. $3 is the hour of $2: a segment never crosses one.
SELECT segment_id, min_time, max_time
FROM public.{{.Table}}
WHERE tenant_id = $1 AND level = 0 AND max_time >= $2 AND max_time < $6 AND min_time >= $3 AND min_time < $5 AND (min_time < $4 OR max_time < $5)
