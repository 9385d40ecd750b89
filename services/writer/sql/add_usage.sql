-- Adds what a flush stores of a tenant's day to the row of a part ($4) that its flusher has for itself: nobody waits for anybody. Readers add
-- the parts up.
INSERT INTO public.tenant_usage AS u (tenant_id, day, signal, part, items, bytes, series)
VALUES ($1::text, $2::date, $3::smallint, $4::integer, $5::bigint, $6::bigint, $7::bigint)
ON CONFLICT (tenant_id, day, signal, part) DO UPDATE SET items = u.items + excluded.items, bytes = u.bytes + excluded.bytes,
  series = u.series + excluded.series
