-- Forgets deletions from the log that another one overtakes.
DELETE FROM log_pruning WHERE n <= ?1 AND number < ?2
