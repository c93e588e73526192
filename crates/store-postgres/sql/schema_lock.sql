-- Lets one node migrate at a time.
SELECT pg_advisory_xact_lock(5493011627777)
