-- States that do not exist, of a task (?1) and of its steps (keys ?2 to ?3).
SELECT NULL, state FROM task WHERE seq = ?1 AND state NOT BETWEEN 0 AND 5
UNION ALL
SELECT key, state FROM step WHERE key BETWEEN ?2 AND ?3 AND state NOT BETWEEN 0 AND 5
