-- A revision of a definition.
SELECT digest, document FROM definition_revision WHERE id = ?1
