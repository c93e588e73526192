-- The schema of this database.
SELECT version, readable_from FROM tasker.schema_info
