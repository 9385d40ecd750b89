-- The tables of rows for SQL, made anew with the time as a column and the key of their partitions; the next file says why and gives them their names. That this
-- is a file of its own is for Atlas, which takes a table for what it was as long as its name stays.
--
-- A table's key cannot be changed: the rows that are there go with the old tables. They are copies of what segments hold, and olly.rows says since when there
-- are new ones. No other table is touched.
SET LOCAL lock_timeout = '5s';

DROP VIEW olly.spans, olly.logs, olly.metrics;

CREATE TABLE public.spans_rows (start_time timestamptz NOT NULL,
  LIKE public.spans_fact INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION INCLUDING COMMENTS) PARTITION BY RANGE (start_time);

CREATE TABLE public.logs_rows ("time" timestamptz NOT NULL,
  LIKE public.logs_fact INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION INCLUDING COMMENTS) PARTITION BY RANGE ("time");

CREATE TABLE public.metrics_rows ("time" timestamptz NOT NULL,
  LIKE public.metrics_fact INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE INCLUDING COMPRESSION INCLUDING COMMENTS) PARTITION BY RANGE ("time");

-- atlas:nolint DS102
DROP TABLE public.spans_fact, public.logs_fact, public.metrics_fact;

SET LOCAL lock_timeout = DEFAULT;
