-- Queue rows that name another handler than the definition of their task.
SELECT q.key, t.id FROM queue AS q
JOIN task AS t ON t.seq = q.key >> 15
JOIN definition_step AS d ON d.revision_id = t.revision_id AND d.ordinal = q.key & 32767
WHERE q.handler_id <> d.handler_id LIMIT ?1
