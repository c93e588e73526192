-- How many bytes the results of some steps of one task have together.
SELECT coalesce(sum(octet_length(results::text)), 0)::bigint
FROM tasker.step WHERE task_id = $1 AND ordinal = ANY ($2::integer[]) AND state IN (2, 5)
