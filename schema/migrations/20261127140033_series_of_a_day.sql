-- How many series of metrics a tenant had on a day, beside what it stored. A column with a constant default: no row is rewritten.

SET LOCAL lock_timeout = '5s';

ALTER TABLE public.tenant_usage ADD COLUMN series bigint NOT NULL DEFAULT 0;

COMMENT ON COLUMN public.tenant_usage.series IS 'series of which a point was stored for the first time on this UTC day, by the writer''s clock; 0 but for metrics';
