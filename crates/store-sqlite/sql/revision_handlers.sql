-- The handlers of a revision's steps, in document order.
SELECT handler_id FROM definition_step WHERE revision_id = ?1 ORDER BY ordinal
