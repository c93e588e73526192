-- Locks unclaimed queue rows and their tasks, and waits for none; answers as lock_tasks.sql, and which row it is about.
-- (The odd condition keeps the planner from reading all of the index of unclaimed rows to find one.)
SELECT statement_timestamp(), (SELECT epoch FROM tasker.log_state), pg_current_xact_id()::text::bigint,
    t.id, t.revision_id, t.state, t.active, t.remaining, t.priority, t.log_seq, t.log_epoch, t.log_xid,
    t.created_at, t.updated_at, t.ended_at, t.arrival, t.version,
    t.place
FROM (VALUES (1)) AS one (x)
LEFT JOIN (
    SELECT t.*, v.place
    FROM unnest($1::uuid[], $2::integer[]) WITH ORDINALITY AS v (task_id, ordinal, place)
    JOIN tasker.queue AS q ON q.task_id = v.task_id AND q.ordinal = v.ordinal
    JOIN tasker.task AS t ON t.id = q.task_id
    WHERE (q.worker IS NULL)::integer = 1
    ORDER BY v.place
    FOR NO KEY UPDATE OF t, q SKIP LOCKED
) AS t ON true
