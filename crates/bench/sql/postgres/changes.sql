-- Tasks whose steps went on: one final value per row.
WITH changed_task AS (
    UPDATE tasker.task AS t
    SET state = v.state, active = v.active, remaining = v.remaining, log_seq = v.log_seq,
        log_xid = pg_current_xact_id()::text::bigint, updated_at = statement_timestamp(),
        ended_at = CASE WHEN v.ends THEN statement_timestamp() END
    FROM unnest($1::uuid[], $2::smallint[], $3::integer[], $4::integer[], $5::bigint[], $6::boolean[])
        AS v (id, state, active, remaining, log_seq, ends)
    WHERE t.id = v.id
), changed_step AS (
    UPDATE tasker.step AS s
    SET state = v.state, waits = v.waits, attempts = v.attempts, fence = v.fence, settled_fence = v.settled_fence,
        updated_at = statement_timestamp(),
        started_at = CASE WHEN v.starts THEN statement_timestamp() ELSE s.started_at END,
        last_attempted_at = CASE WHEN v.ends THEN statement_timestamp() ELSE s.last_attempted_at END,
        processed_at = CASE WHEN v.ends THEN statement_timestamp() ELSE s.processed_at END,
        results = coalesce(v.results::json, s.results)
    FROM unnest($7::uuid[], $8::integer[], $9::smallint[], $10::integer[], $11::integer[], $12::bigint[],
        $13::bigint[], $14::boolean[], $15::boolean[], $16::text[])
        AS v (task_id, ordinal, state, waits, attempts, fence, settled_fence, starts, ends, results)
    WHERE s.task_id = v.task_id AND s.ordinal = v.ordinal
), changed_row AS (
    UPDATE tasker.queue AS q
    SET worker = v.worker, fence = v.fence
    FROM unnest($17::uuid[], $18::integer[], $19::bigint[], $20::uuid[]) AS v (task_id, ordinal, fence, worker)
    WHERE q.task_id = v.task_id AND q.ordinal = v.ordinal
), deleted_row AS (
    DELETE FROM tasker.queue AS q
    USING unnest($21::uuid[], $22::integer[]) AS v (task_id, ordinal)
    WHERE q.task_id = v.task_id AND q.ordinal = v.ordinal
), new_row AS (
    INSERT INTO tasker.queue (task_id, arrival, ordinal, priority, fence, worker, handler_id, run_at)
    SELECT v.task_id, v.arrival, v.ordinal, v.priority, v.fence, v.worker, $23, statement_timestamp()
    FROM unnest($24::uuid[], $25::bigint[], $26::integer[], $27::smallint[], $28::bigint[], $29::uuid[])
        AS v (task_id, arrival, ordinal, priority, fence, worker)
)
INSERT INTO tasker.transition (task_id, seq, xid, at, epoch, ordinal, from_state, to_state, actor, metadata)
SELECT v.task_id, v.seq, pg_current_xact_id()::text::bigint, statement_timestamp(),
    (SELECT epoch FROM tasker.log_state), v.ordinal, v.from_state, v.to_state, v.actor, v.metadata::json
FROM unnest($30::uuid[], $31::bigint[], $32::integer[], $33::smallint[], $34::smallint[], $35::text[], $36::text[])
    AS v (task_id, seq, ordinal, from_state, to_state, actor, metadata)
