-- Takes some new pages of the database's disk, in a transaction that is rolled back: a disk without room refuses them, so that a writer finds out without
-- a batch whether there is room again.
CREATE TEMPORARY TABLE olly_try_write ON COMMIT DROP AS
SELECT g AS id, md5(g::text) AS filling FROM generate_series(1, 10000) AS g
