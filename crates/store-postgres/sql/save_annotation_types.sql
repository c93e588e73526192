-- Makes types of annotations that are new.
INSERT INTO tasker.annotation_type (name)
SELECT v.name FROM (SELECT DISTINCT unnest($1::text[]) AS name) AS v
WHERE NOT EXISTS (SELECT FROM tasker.annotation_type AS t WHERE t.name = v.name)
ORDER BY v.name
ON CONFLICT (name) DO NOTHING
