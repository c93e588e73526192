-- The number of a revision in this file.
SELECT id FROM definition_revision WHERE digest = ?1
