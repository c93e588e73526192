-- Makes an external system, if it is new.
INSERT INTO dependent_system (name, created_at) VALUES (?1, ?2) ON CONFLICT (name) DO NOTHING
