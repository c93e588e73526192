-- How far the log was deleted, and when in the order of deletions.
SELECT number, epoch, xid, n FROM tasker.log_pruning ORDER BY number
