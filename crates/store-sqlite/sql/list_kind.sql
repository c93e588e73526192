-- Tasks of one state and revision before an id, newest first.
SELECT id FROM task WHERE state = ?1 AND revision_id = ?2 AND id < ?3 ORDER BY id DESC LIMIT ?4
