-- Gives a version its content, and notes that the content is this definition's.
WITH saved AS (
    INSERT INTO tasker.definition (namespace_id, name, version, revision_id, description, registered_at)
    SELECT n.id, $2, $3, $4, $5, $6 FROM tasker.namespace AS n WHERE n.name = $1
    ON CONFLICT (namespace_id, name, version) DO UPDATE SET revision_id = excluded.revision_id,
        description = excluded.description, registered_at = excluded.registered_at
    RETURNING id, revision_id
)
INSERT INTO tasker.definition_history (revision_id, definition_id)
SELECT revision_id, id FROM saved ON CONFLICT (revision_id) DO NOTHING
