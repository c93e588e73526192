-- Tasks that ended after ?1 and are complete or in error, and those in error. The plus keeps it from the index by state, where
-- it would visit all that ever ended.
SELECT count(*), count(*) FILTER (WHERE state = 3)
FROM task WHERE ended_at > ?1 AND +state IN (2, 3)
