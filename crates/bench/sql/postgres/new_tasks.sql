-- New tasks with their requests, steps, queue rows and first log entries.
WITH new_task AS (
    INSERT INTO tasker.task (id, arrival, revision_id, created_at, updated_at, log_seq, log_xid, log_epoch, active,
        remaining, state, priority)
    SELECT v.id, v.arrival, $3, statement_timestamp(), statement_timestamp(), v.log_seq,
        pg_current_xact_id()::text::bigint, (SELECT epoch FROM tasker.log_state), v.active, v.remaining, v.state,
        v.priority
    FROM unnest($1::uuid[], $2::bigint[], $4::bigint[], $5::integer[], $6::integer[], $7::smallint[], $8::smallint[])
        AS v (id, arrival, log_seq, active, remaining, state, priority)
), new_input AS (
    INSERT INTO tasker.task_input (task_id, requested_at, content, initiator, source_system, reason, tags,
        bypass_steps, context)
    SELECT v.id, statement_timestamp(), v.content, v.initiator, v.source_system, v.reason, '{}', '{}', v.context::json
    FROM unnest($1::uuid[], $9::bytea[], $10::text[], $11::text[], $12::text[], $13::text[])
        AS v (id, content, initiator, source_system, reason, context)
), new_step AS (
    INSERT INTO tasker.step (task_id, ordinal, waits, retry_limit, retryable, state, attempts, fence, settled_fence,
        lease_expiries, key_generation, updated_at)
    SELECT v.task_id, v.ordinal, v.waits, v.retry_limit, v.retryable, v.state, 0, 0, 0, 0, 0, statement_timestamp()
    FROM unnest($14::uuid[], $15::integer[], $16::integer[], $17::integer[], $18::boolean[], $19::smallint[])
        AS v (task_id, ordinal, waits, retry_limit, retryable, state)
), new_row AS (
    INSERT INTO tasker.queue (task_id, arrival, ordinal, priority, fence, worker, handler_id, run_at)
    SELECT v.task_id, v.arrival, v.ordinal, v.priority, v.fence, v.worker, $20, statement_timestamp()
    FROM unnest($21::uuid[], $22::bigint[], $23::integer[], $24::smallint[], $25::bigint[], $26::uuid[])
        AS v (task_id, arrival, ordinal, priority, fence, worker)
)
INSERT INTO tasker.transition (task_id, seq, xid, at, epoch, ordinal, from_state, to_state, actor, metadata)
SELECT v.task_id, v.seq, pg_current_xact_id()::text::bigint, statement_timestamp(),
    (SELECT epoch FROM tasker.log_state), v.ordinal, v.from_state, v.to_state, v.actor, v.metadata::json
FROM unnest($27::uuid[], $28::bigint[], $29::integer[], $30::smallint[], $31::smallint[], $32::text[], $33::text[])
    AS v (task_id, seq, ordinal, from_state, to_state, actor, metadata)
