-- How many tasks ended before an instant, hold no claim, and were read to their end by all readers of the log that were
-- heard of since another instant.
SELECT count(*) FROM task AS t WHERE ended_at < ?1 AND active = 0
    AND NOT EXISTS (
        SELECT 1 FROM log_reader AS r
        WHERE r.seen_at > ?2
            AND r.n < (SELECT x.n FROM transition AS x WHERE x.task_seq = t.seq ORDER BY x.seq DESC LIMIT 1)
    )
