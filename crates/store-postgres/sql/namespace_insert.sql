-- Makes a namespace, if it is new.
INSERT INTO tasker.namespace (name, created_at) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING
