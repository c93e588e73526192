-- Makes external systems that are new.
INSERT INTO tasker.dependent_system (name)
SELECT DISTINCT v.name FROM unnest($1::text[]) AS v (name) ORDER BY v.name ON CONFLICT (name) DO NOTHING
