-- Notes the schema that a migration made.
INSERT INTO schema_info (id, version, readable_from) VALUES (1, ?1, ?2)
ON CONFLICT (id) DO UPDATE SET version = excluded.version, readable_from = excluded.readable_from
