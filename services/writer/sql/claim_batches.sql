SELECT public.claim_batches($1::date, $2::uuid[], $3::text[], $4::smallint[], $5::bigint[], $6::integer[])
