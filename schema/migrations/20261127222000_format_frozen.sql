-- atlas:nolint
-- olly:may-refuse

-- Version 1 of the segment format is frozen with this file: from here on, every build reads what another has stored (docs/segment-format.md, section 12).
-- Before, development builds wrote bytes under the same number that no later one reads. DATABASES THAT THEY FILLED ARE REFUSED, nothing of them is
-- changed or deleted: begin with an empty one. One that holds no segment goes on.

DO $$
DECLARE
  name text;
  filled boolean;
BEGIN
  FOREACH name IN ARRAY ARRAY['spans', 'logs', 'metrics'] LOOP
    CONTINUE WHEN to_regclass('public.' || name || '_segment') IS NULL; -- it is asked before older files are applied, too
    EXECUTE format('SELECT EXISTS (SELECT FROM public.%I)', name || '_segment') INTO filled;
    IF filled THEN
      RAISE EXCEPTION 'the database holds segments of a development build, from before version 1 of their format was frozen: this build does not read them'
        USING ERRCODE = 'OLDEV', HINT = 'Begin with an empty database.';
    END IF;
  END LOOP;
END
$$;
