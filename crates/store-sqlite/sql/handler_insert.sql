-- Makes a handler, if it is new.
INSERT INTO handler (name) VALUES (?1) ON CONFLICT (name) DO NOTHING
