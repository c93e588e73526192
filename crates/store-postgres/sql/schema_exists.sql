-- Whether this database has a schema of ours.
SELECT to_regclass('tasker.schema_info') IS NOT NULL
