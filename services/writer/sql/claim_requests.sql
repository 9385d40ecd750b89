SELECT request_id, new_today, new_tomorrow
FROM public.claim_requests($1::date, $2::uuid[], $3::text[], $4::smallint[], $5::bigint[], $6::integer[], $7::text[])
