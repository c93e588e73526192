-- How many tasks of one state and revision there are.
SELECT count(*) FROM task WHERE state = ?1 AND revision_id = ?2
