-- Makes handlers that are new.
INSERT INTO tasker.handler (id, name)
SELECT v.id, v.name FROM unnest($1::bigint[], $2::text[]) AS v (id, name) ON CONFLICT (name) DO NOTHING
