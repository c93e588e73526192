-- How many tasks ended before an instant, hold no claim, and were read to their end by all readers of the log that were
-- heard of lately.
SELECT count(*) FROM tasker.task AS t
WHERE ended_at < coalesce($2::timestamptz, statement_timestamp()) - $1::bigint * interval '1 microsecond' AND active = 0
    AND NOT EXISTS (
        SELECT FROM tasker.log_reader AS r JOIN tasker.transition AS x ON x.task_id = t.id AND x.seq = t.log_seq
        WHERE r.seen_at > coalesce($2::timestamptz, statement_timestamp()) - $3::bigint * interval '1 microsecond'
            AND (x.epoch, x.xid, x.n) > (r.epoch, r.xid, r.n)
    )
