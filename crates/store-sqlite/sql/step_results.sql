-- The stored result of a step.
SELECT results FROM step WHERE key = ?1
