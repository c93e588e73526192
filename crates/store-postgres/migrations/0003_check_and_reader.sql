-- Looking for broken invariants with SQL alone, and a role that may only read.

-- Whether a change of state is legal. Null as `old` is "does not exist yet".
CREATE FUNCTION tasker.is_legal_change(of_task boolean, old smallint, new smallint) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE
    WHEN old IS NULL THEN new = 0
    WHEN of_task THEN (old, new) IN ((0, 1), (0, 4), (0, 3), (1, 0), (1, 2), (1, 3), (1, 4), (3, 0), (3, 5), (3, 4), (2, 4),
        (5, 4))
    ELSE (old, new) IN ((0, 1), (0, 3), (0, 4), (0, 5), (1, 2), (1, 3), (1, 4), (1, 0), (3, 0), (3, 5))
END
$$;

-- Whether a step wants a queue row, in an open task that lets its steps run beside each other.
CREATE FUNCTION tasker.wants_queue_row(state smallint, waits integer, attempts integer, retry_limit integer,
    retryable boolean) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE state WHEN 1 THEN true WHEN 0 THEN waits = 0 WHEN 3 THEN retryable AND attempts < retry_limit ELSE false END
$$;

-- Broken invariants of the tasks with ids in a range, all tasks by default; no row if all is well. What each code means
-- is told in docs/sql.md.
CREATE FUNCTION tasker.check_invariants(first_task_id uuid DEFAULT '00000000-0000-0000-0000-000000000000',
    last_task_id uuid DEFAULT 'ffffffff-ffff-ffff-ffff-ffffffffffff')
RETURNS TABLE (code text, task_id uuid, step_name text, message text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10 AS $$
WITH task AS MATERIALIZED (
    SELECT t.id, t.revision_id, t.state, n.name AS state_name, t.state IN (0, 1) AS is_open, t.active, t.remaining, t.priority,
        t.log_seq, t.updated_at, t.ended_at, r.id IS NOT NULL AS has_revision, r.n_steps,
        coalesce((r.document::json ->> 'concurrent')::boolean, true) AS concurrent
    FROM tasker.task AS t
    LEFT JOIN tasker.definition_revision AS r ON r.id = t.revision_id
    LEFT JOIN tasker.state_name AS n ON n.code = t.state
    WHERE t.id BETWEEN first_task_id AND last_task_id
), step AS MATERIALIZED (
    SELECT s.task_id, s.ordinal, d.name, s.state, n.name AS state_name, s.state IN (2, 5) AS is_done, s.waits, s.attempts,
        s.retry_limit, s.retryable, s.fence, s.processed_at, t.is_open, t.concurrent, t.priority, t.state_name AS task_state,
        tasker.wants_queue_row(s.state, s.waits, s.attempts, s.retry_limit, s.retryable) AS wants_row,
        q.task_id IS NOT NULL AS has_row, q.fence AS row_fence, q.worker, q.priority AS row_priority,
        q.handler_id AS row_handler, d.handler_id,
        (SELECT count(*) FROM tasker.definition_edge AS e
            LEFT JOIN tasker.step AS p ON p.task_id = s.task_id AND p.ordinal = e.parent
            WHERE e.revision_id = t.revision_id AND e.child = s.ordinal AND p.state IS DISTINCT FROM 2
                AND p.state IS DISTINCT FROM 5) AS undone_parents
    FROM tasker.step AS s
    JOIN task AS t ON t.id = s.task_id AND t.has_revision
    LEFT JOIN tasker.definition_step AS d ON d.revision_id = t.revision_id AND d.ordinal = s.ordinal
    LEFT JOIN tasker.state_name AS n ON n.code = s.state
    LEFT JOIN tasker.queue AS q ON q.task_id = s.task_id AND q.ordinal = s.ordinal
    WHERE s.task_id BETWEEN first_task_id AND last_task_id
), tally AS MATERIALIZED (
    SELECT t.*, coalesce(c.queued, 0) AS queued, coalesce(c.undone, 0) AS undone, coalesce(c.wanted, 0) AS wanted
    FROM task AS t
    LEFT JOIN (
        SELECT s.task_id, count(*) FILTER (WHERE s.has_row) AS queued, count(*) FILTER (WHERE NOT s.is_done) AS undone,
            count(*) FILTER (WHERE s.wants_row) AS wanted
        FROM step AS s WHERE s.name IS NOT NULL GROUP BY s.task_id
    ) AS c ON c.task_id = t.id
    WHERE t.has_revision
), entry AS MATERIALIZED (
    SELECT x.task_id, x.seq, x.ordinal, x.from_state, x.to_state, x.at,
        row_number() OVER in_task AS place, lag(x.at) OVER in_task AS at_before,
        lag(x.to_state) OVER in_chain AS state_before, lead(x.seq) OVER in_chain IS NULL AS is_last,
        -- A claim given back was no execution; metadata tells it from a run that was cancelled.
        x.from_state = 1 AND (x.to_state = 0
            OR x.to_state = 4 AND coalesce(x.metadata -> 'released_by' IS NOT NULL, false)) AS is_given_back
    FROM tasker.transition AS x
    JOIN task AS t ON t.id = x.task_id AND t.has_revision
    WHERE x.task_id BETWEEN first_task_id AND last_task_id
    WINDOW in_task AS (PARTITION BY x.task_id ORDER BY x.seq),
        in_chain AS (PARTITION BY x.task_id, x.ordinal ORDER BY x.seq)
), told AS MATERIALIZED (
    SELECT e.task_id, e.ordinal, max(e.to_state) FILTER (WHERE e.is_last) AS last_state,
        count(*) FILTER (WHERE e.to_state = 1) AS claims, count(*) FILTER (WHERE e.is_given_back) AS given_back,
        count(*) FILTER (WHERE e.to_state = 2) AS completions
    FROM entry AS e GROUP BY e.task_id, e.ordinal
), log AS (
    SELECT e.task_id, count(*) AS entries, (array_agg(e.at ORDER BY e.seq DESC))[1] AS last_at FROM entry AS e GROUP BY e.task_id
), finding (code, task_id, ordinal, step_name, message) AS (
    SELECT 'revision_missing', t.id, NULL::integer, NULL::text, format('definition revision %s is missing', t.revision_id)
        FROM task AS t WHERE NOT t.has_revision
    UNION ALL SELECT 'state_unknown', t.id, NULL, NULL, format('%s is no state of a task', t.state)
        FROM task AS t WHERE t.state_name IS NULL
    UNION ALL SELECT 'input_missing', t.id, NULL, NULL, 'the task has no request'
        FROM task AS t WHERE NOT EXISTS (SELECT FROM tasker.task_input AS i WHERE i.task_id = t.id)
    -- The task's row.
    UNION ALL SELECT 'active_count', t.id, NULL, NULL, format('active is %s, but should be %s', t.active, t.queued)
        FROM tally AS t WHERE t.active <> t.queued
    UNION ALL SELECT 'remaining_count', t.id, NULL, NULL, format('remaining is %s, but should be %s', t.remaining, t.undone)
        FROM tally AS t WHERE t.remaining <> t.undone
    UNION ALL SELECT 'ended_at', t.id, NULL, NULL,
            format('the task is %s, but ended_at is %s', t.state_name, coalesce(t.ended_at::text, 'not set'))
        FROM tally AS t WHERE (t.ended_at IS NOT NULL) = t.is_open
    UNION ALL SELECT 'nothing_queued', t.id, NULL, NULL, format('the task is %s, but nothing is queued', t.state_name)
        FROM tally AS t WHERE t.is_open AND t.queued = 0
    UNION ALL SELECT 'row_of_ended_task', t.id, NULL, NULL,
            format('the task is %s, but %s steps are queued', t.state_name, t.queued)
        FROM tally AS t WHERE NOT t.is_open AND t.state <> 4 AND t.queued > 0
    UNION ALL SELECT 'complete_with_undone', t.id, NULL, NULL,
            format('the task is complete, but %s steps are not done', t.undone)
        FROM tally AS t WHERE t.state = 2 AND t.undone > 0
    UNION ALL SELECT 'turns', t.id, NULL, NULL,
            format('the number of queue rows, steps running one at a time, is %s, but should be %s', t.queued,
                least(t.wanted, 1))
        FROM tally AS t WHERE t.is_open AND NOT t.concurrent AND t.queued <> least(t.wanted, 1)
    -- The steps' rows.
    UNION ALL SELECT 'step_missing', t.id, d.ordinal, d.name, 'the step has no row'
        FROM task AS t JOIN tasker.definition_step AS d ON d.revision_id = t.revision_id
        WHERE NOT EXISTS (SELECT FROM tasker.step AS s WHERE s.task_id = t.id AND s.ordinal = d.ordinal)
    UNION ALL SELECT 'step_unknown', s.task_id, s.ordinal, NULL, format('there is a surplus row for step %s', s.ordinal)
        FROM step AS s WHERE s.name IS NULL
    UNION ALL SELECT 'state_unknown', s.task_id, s.ordinal, s.name, format('%s is no state of a step', s.state)
        FROM step AS s WHERE s.state_name IS NULL
    UNION ALL SELECT 'waits_count', s.task_id, s.ordinal, s.name,
            format('waits is %s, but should be %s', s.waits, s.undone_parents)
        FROM step AS s WHERE s.name IS NOT NULL AND s.waits <> s.undone_parents
    UNION ALL SELECT 'processed_at', s.task_id, s.ordinal, s.name,
            format('the step is %s, but has no processed_at', s.state_name)
        FROM step AS s WHERE s.name IS NOT NULL AND s.is_done AND s.processed_at IS NULL
    UNION ALL SELECT 'attempts_above_limit', s.task_id, s.ordinal, s.name,
            format('the step is %s after %s executions, but its limit is %s', s.state_name, s.attempts, s.retry_limit)
        FROM step AS s WHERE s.name IS NOT NULL
            AND (s.state = 0 AND s.attempts >= s.retry_limit OR s.state IN (1, 2, 4) AND s.attempts > s.retry_limit)
    -- The queue.
    UNION ALL SELECT 'row_missing', s.task_id, s.ordinal, s.name, format('the step is %s, but has no queue row', s.state_name)
        FROM step AS s WHERE s.name IS NOT NULL AND NOT s.has_row
            AND (s.state = 1 OR s.is_open AND s.wants_row AND s.concurrent)
    UNION ALL SELECT 'row_unwanted', s.task_id, s.ordinal, s.name, format('the step is %s, but has a queue row', s.state_name)
        FROM step AS s WHERE s.name IS NOT NULL AND s.has_row AND s.is_open AND NOT s.wants_row
    UNION ALL SELECT 'row_of_ended_task', s.task_id, s.ordinal, s.name,
            format('the task is %s, but the step waits to be claimed', s.task_state)
        FROM step AS s WHERE s.name IS NOT NULL AND s.has_row AND NOT s.is_open AND s.worker IS NULL
    UNION ALL SELECT 'row_fence', s.task_id, s.ordinal, s.name,
            format('the queue row''s fence is %s, but should be %s', s.row_fence, s.fence)
        FROM step AS s WHERE s.name IS NOT NULL AND s.has_row AND s.row_fence <> s.fence
    UNION ALL SELECT 'row_claim', s.task_id, s.ordinal, s.name,
            format('whether the queue row is claimed is %s, but should be %s', s.worker IS NOT NULL, s.state = 1)
        FROM step AS s WHERE s.name IS NOT NULL AND s.has_row AND (s.worker IS NOT NULL) <> (s.state = 1)
    UNION ALL SELECT 'row_priority', s.task_id, s.ordinal, s.name,
            format('the queue row''s priority is %s, but should be %s', s.row_priority, s.priority)
        FROM step AS s WHERE s.name IS NOT NULL AND s.has_row AND s.row_priority <> s.priority
    UNION ALL SELECT 'row_handler', s.task_id, s.ordinal, s.name, 'the queue row names another handler than the definition'
        FROM step AS s WHERE s.name IS NOT NULL AND s.has_row AND s.row_handler <> s.handler_id
    -- The log.
    UNION ALL SELECT 'log_gap', e.task_id, NULL, NULL,
            format('the number of a log entry is %s, but should be %s', e.seq, e.place)
        FROM entry AS e WHERE e.seq <> e.place
    UNION ALL SELECT 'log_length', t.id, NULL, NULL,
            format('the number of log entries is %s, but should be %s', coalesce(l.entries, 0), t.log_seq)
        FROM tally AS t LEFT JOIN log AS l ON l.task_id = t.id WHERE coalesce(l.entries, 0) <> t.log_seq
    UNION ALL SELECT 'log_time', e.task_id, NULL, NULL, format('entry %s is of %s, before the entry before it', e.seq, e.at)
        FROM entry AS e WHERE e.at < e.at_before
    UNION ALL SELECT 'log_time', t.id, NULL, NULL,
            format('the last entry is of %s, after updated_at %s', l.last_at, t.updated_at)
        FROM tally AS t JOIN log AS l ON l.task_id = t.id WHERE l.last_at > t.updated_at
    UNION ALL SELECT 'log_chain', e.task_id, e.ordinal, NULL,
            format('entry %s leaves state %s, but the state was %s', e.seq, e.from_state, e.state_before)
        FROM entry AS e WHERE e.from_state IS DISTINCT FROM e.state_before
    UNION ALL SELECT 'log_illegal', e.task_id, e.ordinal, NULL,
            format('entry %s: %s -> %s is not a legal change', e.seq, e.from_state, e.to_state)
        FROM entry AS e WHERE NOT tasker.is_legal_change(e.ordinal IS NULL, e.from_state, e.to_state)
    UNION ALL SELECT 'log_state', t.id, NULL, NULL,
            format('the last state in the log is %s, but should be %s', o.last_state, t.state)
        FROM tally AS t LEFT JOIN told AS o ON o.task_id = t.id AND o.ordinal IS NULL
        WHERE o.last_state IS DISTINCT FROM t.state
    UNION ALL SELECT 'log_state', s.task_id, s.ordinal, s.name,
            format('the last state in the log is %s, but should be %s', o.last_state, s.state)
        FROM step AS s LEFT JOIN told AS o ON o.task_id = s.task_id AND o.ordinal = s.ordinal
        WHERE s.name IS NOT NULL AND o.last_state IS DISTINCT FROM s.state
    UNION ALL SELECT 'attempts_count', s.task_id, s.ordinal, s.name,
            format('attempts is %s, but should be %s', s.attempts, greatest(coalesce(o.claims - o.given_back, 0), 0))
        FROM step AS s LEFT JOIN told AS o ON o.task_id = s.task_id AND o.ordinal = s.ordinal
        WHERE s.name IS NOT NULL AND s.attempts <> greatest(coalesce(o.claims - o.given_back, 0), 0)
    UNION ALL SELECT 'fence_count', s.task_id, s.ordinal, s.name,
            format('fence is %s, but should be %s', s.fence, coalesce(o.claims, 0))
        FROM step AS s LEFT JOIN told AS o ON o.task_id = s.task_id AND o.ordinal = s.ordinal
        WHERE s.name IS NOT NULL AND s.fence <> coalesce(o.claims, 0)
    UNION ALL SELECT 'completed_twice', s.task_id, s.ordinal, s.name,
            format('the log completes the step %s times', o.completions)
        FROM step AS s JOIN told AS o ON o.task_id = s.task_id AND o.ordinal = s.ordinal
        WHERE s.name IS NOT NULL AND o.completions > 1
    UNION ALL SELECT 'log_unknown_step', o.task_id, NULL, NULL, format('the log tells of step %s, which has no row', o.ordinal)
        FROM told AS o WHERE o.ordinal IS NOT NULL
            AND NOT EXISTS (SELECT FROM step AS s WHERE s.task_id = o.task_id AND s.ordinal = o.ordinal AND s.name IS NOT NULL)
    -- Rows that belong to nothing: what foreign keys would forbid.
    UNION ALL SELECT 'orphan_step', s.task_id, NULL, NULL, format('step %s belongs to no task', s.ordinal)
        FROM tasker.step AS s WHERE s.task_id BETWEEN first_task_id AND last_task_id
            AND NOT EXISTS (SELECT FROM tasker.task AS t WHERE t.id = s.task_id)
    UNION ALL SELECT 'orphan_queue_row', q.task_id, NULL, NULL, format('the queue row of step %s belongs to no step', q.ordinal)
        FROM tasker.queue AS q WHERE q.task_id BETWEEN first_task_id AND last_task_id
            AND NOT EXISTS (SELECT FROM tasker.step AS s WHERE s.task_id = q.task_id AND s.ordinal = q.ordinal)
    UNION ALL SELECT 'orphan_log_entry', x.task_id, NULL, NULL, format('log entry %s belongs to no task', x.seq)
        FROM tasker.transition AS x WHERE x.task_id BETWEEN first_task_id AND last_task_id
            AND NOT EXISTS (SELECT FROM tasker.task AS t WHERE t.id = x.task_id)
    UNION ALL SELECT 'orphan_input', i.task_id, NULL, NULL, 'a request belongs to no task'
        FROM tasker.task_input AS i WHERE i.task_id BETWEEN first_task_id AND last_task_id
            AND NOT EXISTS (SELECT FROM tasker.task AS t WHERE t.id = i.task_id)
)
SELECT f.code, f.task_id, coalesce(f.step_name, d.name), f.message
FROM finding AS f
LEFT JOIN task AS t ON t.id = f.task_id
LEFT JOIN tasker.definition_step AS d ON d.revision_id = t.revision_id AND d.ordinal = f.ordinal
ORDER BY f.task_id, f.ordinal NULLS FIRST, f.code
$$;

-- A role for people and programs that only read. Making a role needs the right to; without it, docs/sql.md says what an
-- administrator types.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'tasker_read') THEN
        CREATE ROLE tasker_read NOLOGIN;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE NOTICE 'the role tasker_read was not created: this user may not create roles';
    WHEN duplicate_object OR unique_violation THEN
        NULL; -- Another database of this server was quicker.
END
$$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'tasker_read') THEN
        GRANT USAGE ON SCHEMA tasker TO tasker_read;
        GRANT SELECT ON ALL TABLES IN SCHEMA tasker TO tasker_read;
        ALTER DEFAULT PRIVILEGES IN SCHEMA tasker GRANT SELECT ON TABLES TO tasker_read;
    END IF;
END
$$;
