-- Lets one change of definitions and namespaces run at a time, and tells the time. Reading goes on.
SELECT statement_timestamp() FROM pg_advisory_xact_lock(5493011627776)
