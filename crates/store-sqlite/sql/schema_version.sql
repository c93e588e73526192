-- The schema of this database.
SELECT version, readable_from FROM schema_info WHERE id = 1
