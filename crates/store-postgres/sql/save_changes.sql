-- Writes what was decided: one final value per row. Either all of it is written or, if it was decided about tasks as they
-- are not, nothing: tasks must have the versions ($9, $10) that were known when it was decided (they are locked here, and
-- nobody is waited for), the stream must be in its epoch ($11), and the time of the decisions ($12) must be the time. Who
-- locked the tasks before names no versions and no time. $57 is their next version. Answers whether it was written, the
-- transaction, the time, and, if it was not written, which tasks have their versions.
WITH moment AS (
    SELECT epoch, pg_current_xact_id()::text::bigint AS xid FROM tasker.log_state
), held AS MATERIALIZED (
    SELECT t.id
    FROM unnest($9::uuid[], $10::bigint[]) AS v (id, version)
    JOIN tasker.task AS t ON t.id = v.id AND t.version = v.version
    ORDER BY t.id
    FOR NO KEY UPDATE OF t SKIP LOCKED
), verdict AS MATERIALIZED (
    SELECT m.epoch = $11 AND (SELECT count(*) FROM held) = cardinality($9)
        AND ($12::timestamptz IS NULL
            OR $12 BETWEEN statement_timestamp() - interval '100 ms' AND statement_timestamp() + interval '100 ms') AS holds
    FROM moment AS m
), changed_task AS (
    UPDATE tasker.task AS t
    SET state = v.state, active = v.active, remaining = v.remaining, log_seq = v.log_seq, log_epoch = $11,
        log_xid = greatest(v.log_xid, (SELECT xid FROM moment)), version = $57,
        updated_at = v.updated_at, ended_at = v.ended_at
    FROM unnest($1::uuid[], $2::smallint[], $3::integer[], $4::integer[], $5::bigint[], $6::bigint[],
        $7::timestamptz[], $8::timestamptz[])
        AS v (id, state, active, remaining, log_seq, log_xid, updated_at, ended_at)
    WHERE t.id = v.id AND (SELECT holds FROM verdict)
), changed_step AS (
    UPDATE tasker.step AS s
    SET state = v.state, waits = v.waits, attempts = v.attempts, retry_limit = v.retry_limit, retryable = v.retryable,
        fence = v.fence, settled_fence = v.settled_fence, lease_expiries = v.lease_expiries,
        key_generation = v.key_generation, last_attempted_at = v.last_attempted_at,
        backoff_seconds = v.backoff_seconds, started_at = v.started_at, processed_at = v.processed_at,
        updated_at = v.updated_at, inputs = coalesce(v.inputs::json, s.inputs),
        results = coalesce(v.results::json, s.results),
        error = CASE WHEN v.sets_error THEN v.error::json ELSE s.error END
    FROM unnest($13::uuid[], $14::integer[], $15::smallint[], $16::integer[], $17::integer[], $18::integer[],
        $19::boolean[], $20::bigint[], $21::bigint[], $22::integer[], $23::integer[], $24::timestamptz[],
        $25::integer[], $26::timestamptz[], $27::timestamptz[], $28::timestamptz[], $29::text[], $30::text[],
        $31::text[], $32::boolean[])
        AS v (task_id, ordinal, state, waits, attempts, retry_limit, retryable, fence, settled_fence, lease_expiries,
            key_generation, last_attempted_at, backoff_seconds, started_at, processed_at, updated_at, inputs, results,
            error, sets_error)
    WHERE s.task_id = v.task_id AND s.ordinal = v.ordinal AND (SELECT holds FROM verdict)
), changed_row AS (
    UPDATE tasker.queue AS q
    SET run_at = v.run_at, worker = v.worker, fence = v.fence
    FROM unnest($33::uuid[], $34::integer[], $35::timestamptz[], $36::uuid[], $37::bigint[])
        AS v (task_id, ordinal, run_at, worker, fence)
    WHERE q.task_id = v.task_id AND q.ordinal = v.ordinal AND (SELECT holds FROM verdict)
), deleted_row AS (
    DELETE FROM tasker.queue AS q
    USING unnest($38::uuid[], $39::integer[]) AS v (task_id, ordinal)
    WHERE q.task_id = v.task_id AND q.ordinal = v.ordinal AND (SELECT holds FROM verdict)
), new_row AS (
    INSERT INTO tasker.queue (task_id, ordinal, run_at, worker, fence, arrival, handler_id, priority)
    SELECT v.* FROM unnest($40::uuid[], $41::integer[], $42::timestamptz[], $43::uuid[], $44::bigint[], $45::bigint[],
        $46::bigint[], $47::smallint[]) AS v
    WHERE (SELECT holds FROM verdict)
), new_entry AS (
    INSERT INTO tasker.transition (epoch, task_id, seq, xid, ordinal, from_state, to_state, at, actor, metadata)
    SELECT $11, v.task_id, v.seq, greatest(v.xid, (SELECT xid FROM moment)), v.ordinal, v.from_state, v.to_state, v.at,
        v.actor, v.metadata::json
    FROM unnest($48::uuid[], $49::bigint[], $50::bigint[], $51::integer[], $52::smallint[], $53::smallint[],
        $54::timestamptz[], $55::text[], $56::text[])
        AS v (task_id, seq, xid, ordinal, from_state, to_state, at, actor, metadata)
    WHERE (SELECT holds FROM verdict)
)
SELECT v.holds, m.xid, statement_timestamp(), CASE WHEN v.holds THEN '{}' ELSE ARRAY(SELECT id FROM held) END
FROM verdict AS v, moment AS m
