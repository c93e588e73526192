-- The process that serves this connection, and whether it is on this machine.
SELECT pg_backend_pid(), inet_client_addr() IS NULL OR inet_client_addr() = inet_server_addr()
