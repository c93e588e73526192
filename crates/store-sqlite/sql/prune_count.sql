-- How many tasks ended before an instant and hold no claim.
SELECT count(*) FROM task WHERE ended_at < ?1 AND active = 0
