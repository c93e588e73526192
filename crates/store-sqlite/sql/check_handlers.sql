-- Steps of a task (keys ?1 to ?2, definition ?3) whose queue rows name another handler than the definition.
SELECT q.key FROM queue AS q JOIN definition_step AS d ON d.revision_id = ?3 AND d.ordinal = q.key & 32767
WHERE q.key BETWEEN ?1 AND ?2 AND q.handler_id <> d.handler_id
