-- Writes what was decided for locked tasks: one final value per row.
WITH changed_task AS (
    UPDATE tasker.task AS t
    SET state = v.state, active = v.active, remaining = v.remaining, log_seq = v.log_seq, log_epoch = $9,
        log_xid = v.log_xid, updated_at = v.updated_at, ended_at = v.ended_at
    FROM unnest($1::uuid[], $2::smallint[], $3::integer[], $4::integer[], $5::bigint[], $6::bigint[],
        $7::timestamptz[], $8::timestamptz[])
        AS v (id, state, active, remaining, log_seq, log_xid, updated_at, ended_at)
    WHERE t.id = v.id
), changed_step AS (
    UPDATE tasker.step AS s
    SET state = v.state, waits = v.waits, attempts = v.attempts, retry_limit = v.retry_limit, retryable = v.retryable,
        fence = v.fence, settled_fence = v.settled_fence, lease_expiries = v.lease_expiries,
        key_generation = v.key_generation, last_attempted_at = v.last_attempted_at,
        backoff_seconds = v.backoff_seconds, started_at = v.started_at, processed_at = v.processed_at,
        updated_at = v.updated_at, inputs = coalesce(v.inputs::json, s.inputs),
        results = coalesce(v.results::json, s.results),
        error = CASE WHEN v.sets_error THEN v.error::json ELSE s.error END
    FROM unnest($10::uuid[], $11::integer[], $12::smallint[], $13::integer[], $14::integer[], $15::integer[],
        $16::boolean[], $17::bigint[], $18::bigint[], $19::integer[], $20::integer[], $21::timestamptz[],
        $22::integer[], $23::timestamptz[], $24::timestamptz[], $25::timestamptz[], $26::text[], $27::text[],
        $28::text[], $29::boolean[])
        AS v (task_id, ordinal, state, waits, attempts, retry_limit, retryable, fence, settled_fence, lease_expiries,
            key_generation, last_attempted_at, backoff_seconds, started_at, processed_at, updated_at, inputs, results,
            error, sets_error)
    WHERE s.task_id = v.task_id AND s.ordinal = v.ordinal
), changed_row AS (
    UPDATE tasker.queue AS q
    SET run_at = v.run_at, worker = v.worker, fence = v.fence
    FROM unnest($30::uuid[], $31::integer[], $32::timestamptz[], $33::uuid[], $34::bigint[])
        AS v (task_id, ordinal, run_at, worker, fence)
    WHERE q.task_id = v.task_id AND q.ordinal = v.ordinal
), deleted_row AS (
    DELETE FROM tasker.queue AS q
    USING unnest($35::uuid[], $36::integer[]) AS v (task_id, ordinal)
    WHERE q.task_id = v.task_id AND q.ordinal = v.ordinal
), new_row AS (
    INSERT INTO tasker.queue (task_id, ordinal, run_at, worker, fence, arrival, handler_id, priority)
    SELECT * FROM unnest($37::uuid[], $38::integer[], $39::timestamptz[], $40::uuid[], $41::bigint[], $42::bigint[],
        $43::bigint[], $44::smallint[])
)
INSERT INTO tasker.transition (epoch, task_id, seq, xid, ordinal, from_state, to_state, at, actor, metadata)
SELECT $9, v.task_id, v.seq, v.xid, v.ordinal, v.from_state, v.to_state, v.at, v.actor, v.metadata::json
FROM unnest($45::uuid[], $46::bigint[], $47::bigint[], $48::integer[], $49::smallint[], $50::smallint[],
    $51::timestamptz[], $52::text[], $53::text[])
    AS v (task_id, seq, xid, ordinal, from_state, to_state, at, actor, metadata)
