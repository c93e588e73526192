-- How far the log was deleted, and when in the order of deletions.
SELECT number, n FROM log_pruning ORDER BY number
