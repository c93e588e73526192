-- Whether the file holds any table, and whether it is one of ours.
SELECT count(*), count(*) FILTER (WHERE name = 'schema_info') FROM sqlite_schema WHERE type = 'table'
