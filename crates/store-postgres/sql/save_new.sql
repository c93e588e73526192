-- Writes new tasks with their requests, steps, queue rows and first log entries. Answers the place in the stream.
WITH moment AS MATERIALIZED (
    SELECT greatest(epoch, $9) AS epoch, pg_current_xact_id()::text::bigint AS xid FROM tasker.log_state
), new_task AS (
    INSERT INTO tasker.task (id, state, active, remaining, log_seq, log_xid, updated_at, ended_at, log_epoch,
        revision_id, priority, created_at, arrival, version)
    SELECT v.id, v.state, v.active, v.remaining, v.log_seq, greatest(v.log_xid, (SELECT xid FROM moment)),
        v.updated_at, v.ended_at, (SELECT epoch FROM moment), v.revision_id,
        v.priority, v.created_at, v.arrival, $63
    FROM unnest($1::uuid[], $2::smallint[], $3::integer[], $4::integer[], $5::bigint[], $6::bigint[],
        $7::timestamptz[], $8::timestamptz[], $10::uuid[], $11::smallint[], $12::timestamptz[], $13::bigint[])
        AS v (id, state, active, remaining, log_seq, log_xid, updated_at, ended_at, revision_id, priority, created_at,
            arrival)
    ORDER BY v.id
), new_input AS (
    INSERT INTO tasker.task_input (task_id, requested_at, content, initiator, source_system, reason, correlation_id,
        identity, context, tags, bypass_steps, created_by)
    SELECT v.task_id, v.requested_at, v.content, v.initiator, v.source_system, v.reason, v.correlation_id, v.identity,
        v.context::json, ARRAY(SELECT json_array_elements_text(v.tags::json)),
        ARRAY(SELECT json_array_elements_text(v.bypass_steps::json)), v.created_by
    FROM unnest($14::uuid[], $15::timestamptz[], $16::bytea[], $17::text[], $18::text[], $19::text[], $20::text[],
        $21::text[], $22::text[], $23::text[], $24::text[], $25::text[])
        AS v (task_id, requested_at, content, initiator, source_system, reason, correlation_id, identity, context,
            tags, bypass_steps, created_by)
), new_step AS (
    INSERT INTO tasker.step (task_id, ordinal, state, waits, attempts, retry_limit, retryable, fence, settled_fence,
        lease_expiries, key_generation, last_attempted_at, backoff_seconds, started_at, processed_at, updated_at,
        inputs, results, error)
    SELECT v.task_id, v.ordinal, v.state, v.waits, v.attempts, v.retry_limit, v.retryable, v.fence, v.settled_fence,
        v.lease_expiries, v.key_generation, v.last_attempted_at, v.backoff_seconds, v.started_at, v.processed_at,
        v.updated_at, v.inputs::json, v.results::json, v.error::json
    FROM unnest($26::uuid[], $27::integer[], $28::smallint[], $29::integer[], $30::integer[], $31::integer[],
        $32::boolean[], $33::bigint[], $34::bigint[], $35::integer[], $36::integer[], $37::timestamptz[],
        $38::integer[], $39::timestamptz[], $40::timestamptz[], $41::timestamptz[], $42::text[], $43::text[],
        $44::text[], $45::boolean[])
        AS v (task_id, ordinal, state, waits, attempts, retry_limit, retryable, fence, settled_fence, lease_expiries,
            key_generation, last_attempted_at, backoff_seconds, started_at, processed_at, updated_at, inputs, results,
            error, sets_error)
), new_row AS (
    INSERT INTO tasker.queue (task_id, ordinal, run_at, worker, fence, arrival, handler_id, priority)
    SELECT * FROM unnest($46::uuid[], $47::integer[], $48::timestamptz[], $49::uuid[], $50::bigint[], $51::bigint[], $52::bigint[],
        $53::smallint[])
), new_entry AS (
    INSERT INTO tasker.transition (epoch, task_id, seq, xid, ordinal, from_state, to_state, at, actor, metadata)
    SELECT (SELECT epoch FROM moment), v.task_id, v.seq, greatest(v.xid, (SELECT xid FROM moment)), v.ordinal,
        v.from_state, v.to_state, v.at, v.actor, v.metadata::json
    FROM unnest($54::uuid[], $55::bigint[], $56::bigint[], $57::integer[], $58::smallint[], $59::smallint[],
        $60::timestamptz[], $61::text[], $62::text[])
        AS v (task_id, seq, xid, ordinal, from_state, to_state, at, actor, metadata)
)
SELECT epoch, xid FROM moment
