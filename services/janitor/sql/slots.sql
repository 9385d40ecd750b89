-- The slots in which bodies are, with how many headers name each and how many bytes it has.
SELECT l.slot, coalesce(n.headers, 0), pg_total_relation_size(l.leaf)
FROM (SELECT slot, to_regclass('public.' || leaf) AS leaf FROM unnest($1::smallint[], $2::text[]) AS ring (slot, leaf)) AS l
LEFT JOIN (SELECT slot, count(*) AS headers FROM public.{{.Table}} WHERE level < 2 GROUP BY slot) AS n ON n.slot = l.slot
WHERE pg_relation_size(l.leaf) > 0
ORDER BY l.slot
