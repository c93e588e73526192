-- Revisions of which there are tasks.
SELECT h.revision_id FROM tasker.definition_history AS h
WHERE EXISTS (SELECT FROM tasker.task AS t WHERE t.state IN (0, 1, 2, 3, 4, 5) AND t.revision_id = h.revision_id)
