-- How many definitions a namespace has.
SELECT count(*) FROM definition WHERE namespace_id = ?1
