-- Tasks that ended before an instant and hold no claim, those that ended first first.
SELECT seq FROM task WHERE ended_at < ?1 AND active = 0 ORDER BY ended_at LIMIT ?2
