SELECT pg_advisory_xact_lock(hashtextextended('api_key ' || $1, 0))
