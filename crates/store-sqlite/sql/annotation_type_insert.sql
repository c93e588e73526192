-- Makes an annotation type, if it is new.
INSERT INTO annotation_type (name) VALUES (?1) ON CONFLICT (name) DO NOTHING
