-- Notes the schema that a migration made.
INSERT INTO tasker.schema_info (version, readable_from) VALUES ($1, $2)
ON CONFLICT (only_row) DO UPDATE SET version = excluded.version, readable_from = excluded.readable_from
