-- Tasks of one state and revision after an id, newest first.
SELECT id FROM task WHERE state = ?3 AND revision_id = ?4 AND id < ?1 ORDER BY id DESC LIMIT ?2
