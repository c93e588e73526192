-- The time of the server.
SELECT statement_timestamp()
