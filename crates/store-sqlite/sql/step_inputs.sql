-- A step's own inputs, if an operator edited them.
SELECT inputs FROM step WHERE key = ?1
