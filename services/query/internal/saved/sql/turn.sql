SELECT pg_advisory_xact_lock(hashtextextended('saved_query ' || $1, 0))
