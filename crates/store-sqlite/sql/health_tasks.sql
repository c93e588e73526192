-- Tasks per state.
SELECT state, count(*) FROM task GROUP BY state
