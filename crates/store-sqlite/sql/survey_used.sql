-- Revisions of which there are tasks.
SELECT r.id FROM definition_revision AS r
WHERE EXISTS (SELECT 1 FROM task AS t WHERE t.state IN (0, 1, 2, 3, 4, 5) AND t.revision_id = r.id)
