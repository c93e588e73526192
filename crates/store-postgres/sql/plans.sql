-- Contents of definitions.
SELECT id, document FROM tasker.definition_revision WHERE id = ANY ($1::uuid[])
