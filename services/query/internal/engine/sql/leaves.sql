-- Those of $1 that are tables.
SELECT leaf FROM unnest($1::text[]) AS leaf WHERE to_regclass('public.' || leaf) IS NOT NULL
