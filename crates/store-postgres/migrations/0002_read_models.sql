-- What people may read with SQL of their own: views and functions that stay as they are (docs/sql.md says what each column
-- means), and a role that may read and do nothing else. The rules in them are those of tasker-core; tests compare them row
-- by row. Functions take the instant they speak of; without one it is now.

-- Written when a definition is registered, never by tasks: finding the parents of a step must not read all edges.
CREATE INDEX definition_edge_revision_id_child_idx ON tasker.definition_edge (revision_id, child);

-- Tasks with what was asked for.
CREATE VIEW tasker.tasks AS
SELECT t.id AS task_id, n.name AS namespace, d.name, d.version, encode(r.digest, 'hex') AS revision, s.name AS status,
    t.active AS active_steps, t.remaining AS remaining_steps, r.n_steps AS total_steps, t.priority, i.initiator,
    i.source_system, i.reason, i.tags, i.bypass_steps, i.correlation_id, i.identity AS identity_hash, i.requested_at,
    t.created_at, t.updated_at, t.ended_at AS completed_at, i.context
FROM tasker.task AS t
JOIN tasker.task_input AS i ON i.task_id = t.id
JOIN tasker.definition_revision AS r ON r.id = t.revision_id
JOIN tasker.definition_history AS h ON h.revision_id = t.revision_id
JOIN tasker.definition AS d ON d.id = h.definition_id
JOIN tasker.namespace AS n ON n.id = d.namespace_id
JOIN tasker.state_name AS s ON s.code = t.state;

-- Steps with their places in the queue.
CREATE VIEW tasker.steps AS
SELECT s.task_id, d.name AS step_name, s.ordinal, h.name AS handler, y.name AS dependent_system, n.name AS status, s.waits,
    s.attempts, s.retry_limit, s.retryable, s.backoff_seconds AS backoff_request_seconds, q.task_id IS NOT NULL AS is_queued,
    q.worker IS NOT NULL AS is_claimed, q.run_at, s.last_attempted_at, s.started_at, s.processed_at, s.updated_at, s.inputs,
    s.results, s.error
FROM tasker.step AS s
JOIN tasker.task AS t ON t.id = s.task_id
JOIN tasker.definition_step AS d ON d.revision_id = t.revision_id AND d.ordinal = s.ordinal
JOIN tasker.handler AS h ON h.id = d.handler_id
JOIN tasker.dependent_system AS y ON y.id = d.dependent_system_id
JOIN tasker.state_name AS n ON n.code = s.state
LEFT JOIN tasker.queue AS q ON q.task_id = s.task_id AND q.ordinal = s.ordinal;

-- The log: every change of a state.
CREATE VIEW tasker.transitions AS
SELECT x.epoch || '-' || x.xid || '-' || x.n AS cursor, x.task_id, d.name AS step_name, x.ordinal, x.seq AS sort_key,
    NOT EXISTS (
        SELECT FROM tasker.transition AS later
        WHERE later.task_id = x.task_id AND later.seq > x.seq AND later.ordinal IS NOT DISTINCT FROM x.ordinal
    ) AS most_recent, f.name AS from_state, o.name AS to_state, x.at AS created_at, x.actor, x.metadata
FROM tasker.transition AS x
JOIN tasker.task AS t ON t.id = x.task_id
JOIN tasker.state_name AS o ON o.code = x.to_state
LEFT JOIN tasker.state_name AS f ON f.code = x.from_state
LEFT JOIN tasker.definition_step AS d ON d.revision_id = t.revision_id AND d.ordinal = x.ordinal;

-- Workers of this database.
CREATE VIEW tasker.workers AS
SELECT w.id AS worker_id, w.name, w.version, w.handlers, w.capacity,
    (SELECT count(*) FROM tasker.queue AS q WHERE q.worker = w.id) AS running_steps,
    CASE WHEN w.stopped_at IS NOT NULL THEN 'stopped' WHEN w.lost_at IS NOT NULL THEN 'lost' ELSE 'live' END AS status,
    w.started_at, w.heartbeat_at, w.lost_at, w.stopped_at
FROM tasker.worker AS w;

-- Steps that are scheduled or running: small, however much history there is.
CREATE VIEW tasker.scheduled_steps AS
SELECT q.task_id, d.name AS step_name, q.ordinal, h.name AS handler, n.name AS status, q.priority, q.run_at,
    q.worker IS NOT NULL AS is_claimed, q.worker AS worker_id, w.name AS worker_name
FROM tasker.queue AS q
JOIN tasker.task AS t ON t.id = q.task_id
JOIN tasker.definition_step AS d ON d.revision_id = t.revision_id AND d.ordinal = q.ordinal
JOIN tasker.step AS s ON s.task_id = q.task_id AND s.ordinal = q.ordinal
JOIN tasker.handler AS h ON h.id = q.handler_id
JOIN tasker.state_name AS n ON n.code = s.state
LEFT JOIN tasker.worker AS w ON w.id = q.worker;

-- Readiness of all steps at an instant, with what other functions need besides. Not for use from outside.
CREATE FUNCTION tasker.step_readiness_at(as_of timestamptz)
RETURNS TABLE (task_id uuid, step_name text, ordinal integer, current_state text, dependencies_satisfied boolean,
    retry_eligible boolean, ready_for_execution boolean, last_failure_at timestamptz, next_retry_at timestamptz,
    total_parents integer, completed_parents integer, attempts integer, retry_limit integer, backoff_request_seconds integer,
    last_attempted_at timestamptz, state smallint, failed_for_good boolean)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000 AS $$
SELECT r.task_id, r.name, r.ordinal, r.state_name, r.waits = 0, r.eligible,
    r.is_open AND r.waits = 0 AND r.eligible AND r.state IN (0, 3) AND (r.wait_ends IS NULL OR r.wait_ends <= as_of),
    CASE WHEN r.state = 3 THEN r.last_attempted_at END,
    CASE WHEN r.state = 3 AND r.eligible THEN
        r.last_attempted_at + coalesce(r.backoff_seconds, 0) * interval '1 second' END,
    r.parents, greatest(r.parents - r.waits, 0), r.attempts, r.retry_limit, r.backoff_seconds, r.last_attempted_at, r.state,
    r.state = 3 AND (r.attempts >= r.retry_limit OR NOT r.retryable)
FROM (
    SELECT s.task_id, d.name, s.ordinal, n.name AS state_name, t.state IN (0, 1) AS is_open, s.waits, s.state, s.attempts,
        s.retry_limit, s.retryable, s.backoff_seconds, s.last_attempted_at,
        s.attempts < s.retry_limit AND (s.retryable OR s.attempts = 0) AS eligible,
        s.last_attempted_at + s.backoff_seconds * interval '1 second' AS wait_ends,
        (SELECT count(*)::integer FROM tasker.definition_edge AS e
            WHERE e.revision_id = t.revision_id AND e.child = s.ordinal) AS parents
    FROM tasker.step AS s
    JOIN tasker.task AS t ON t.id = s.task_id
    JOIN tasker.definition_step AS d ON d.revision_id = t.revision_id AND d.ordinal = s.ordinal
    JOIN tasker.state_name AS n ON n.code = s.state
) AS r
$$;

-- Which steps of a task may start, and what keeps the others.
CREATE FUNCTION tasker.get_step_readiness_status(input_task_id uuid, step_names text[] DEFAULT NULL,
    as_of timestamptz DEFAULT NULL)
RETURNS TABLE (task_id uuid, step_name text, ordinal integer, current_state text, dependencies_satisfied boolean,
    retry_eligible boolean, ready_for_execution boolean, last_failure_at timestamptz, next_retry_at timestamptz,
    total_parents integer, completed_parents integer, attempts integer, retry_limit integer, backoff_request_seconds integer,
    last_attempted_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10 AS $$
SELECT r.task_id, r.step_name, r.ordinal, r.current_state, r.dependencies_satisfied, r.retry_eligible, r.ready_for_execution,
    r.last_failure_at, r.next_retry_at, r.total_parents, r.completed_parents, r.attempts, r.retry_limit,
    r.backoff_request_seconds, r.last_attempted_at
FROM tasker.step_readiness_at(coalesce(as_of, statement_timestamp())) AS r
WHERE r.task_id = input_task_id AND (step_names IS NULL OR r.step_name = ANY (step_names))
ORDER BY r.ordinal
$$;

-- The same for several tasks.
CREATE FUNCTION tasker.get_step_readiness_status_batch(input_task_ids uuid[], as_of timestamptz DEFAULT NULL)
RETURNS TABLE (task_id uuid, step_name text, ordinal integer, current_state text, dependencies_satisfied boolean,
    retry_eligible boolean, ready_for_execution boolean, last_failure_at timestamptz, next_retry_at timestamptz,
    total_parents integer, completed_parents integer, attempts integer, retry_limit integer, backoff_request_seconds integer,
    last_attempted_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 AS $$
SELECT r.task_id, r.step_name, r.ordinal, r.current_state, r.dependencies_satisfied, r.retry_eligible, r.ready_for_execution,
    r.last_failure_at, r.next_retry_at, r.total_parents, r.completed_parents, r.attempts, r.retry_limit,
    r.backoff_request_seconds, r.last_attempted_at
FROM tasker.step_readiness_at(coalesce(as_of, statement_timestamp())) AS r
WHERE r.task_id = ANY (input_task_ids)
ORDER BY r.task_id, r.ordinal
$$;

-- Readiness of all steps of all tasks now.
CREATE VIEW tasker.step_readiness_status AS
SELECT r.task_id, r.step_name, r.ordinal, r.current_state, r.dependencies_satisfied, r.retry_eligible, r.ready_for_execution,
    r.last_failure_at, r.next_retry_at, r.total_parents, r.completed_parents, r.attempts, r.retry_limit,
    r.backoff_request_seconds, r.last_attempted_at
FROM tasker.step_readiness_at(statement_timestamp()) AS r;

-- Where all tasks stand at an instant. Not for use from outside.
CREATE FUNCTION tasker.task_execution_at(as_of timestamptz)
RETURNS TABLE (task_id uuid, status text, total_steps bigint, pending_steps bigint, in_progress_steps bigint,
    completed_steps bigint, failed_steps bigint, ready_steps bigint, execution_status text, recommended_action text,
    completion_percentage numeric, health_status text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000 AS $$
SELECT t.id, n.name, c.total, c.pending, c.in_progress, c.done, c.failed, c.ready, e.status,
    CASE e.status
        WHEN 'has_ready_steps' THEN 'execute_ready_steps'
        WHEN 'processing' THEN 'wait_for_completion'
        WHEN 'blocked_by_failures' THEN 'handle_failures'
        WHEN 'all_complete' THEN 'finalize_task'
        ELSE 'wait_for_dependencies'
    END,
    CASE WHEN c.total = 0 THEN 100.00 ELSE round(100.0 * c.done / c.total, 2) END,
    CASE
        WHEN c.failed = 0 AND c.blocked = 0 THEN 'healthy'
        WHEN c.ready > 0 OR c.blocked = 0 THEN 'recovering'
        ELSE 'blocked'
    END
FROM tasker.task AS t
JOIN tasker.state_name AS n ON n.code = t.state
CROSS JOIN LATERAL (
    SELECT count(*) AS total, count(*) FILTER (WHERE r.state = 0) AS pending, count(*) FILTER (WHERE r.state = 1) AS in_progress,
        count(*) FILTER (WHERE r.state IN (2, 5)) AS done, count(*) FILTER (WHERE r.state = 3) AS failed,
        count(*) FILTER (WHERE r.ready_for_execution) AS ready,
        count(*) FILTER (WHERE r.failed_for_good OR r.state = 4) AS blocked
    FROM tasker.step_readiness_at(as_of) AS r WHERE r.task_id = t.id
) AS c
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN c.ready > 0 THEN 'has_ready_steps'
        WHEN c.in_progress > 0 THEN 'processing'
        WHEN c.blocked > 0 AND t.active = 0 THEN 'blocked_by_failures'
        WHEN c.done = c.total THEN 'all_complete'
        ELSE 'waiting_for_dependencies'
    END AS status
) AS e
$$;

-- Where a task stands.
CREATE FUNCTION tasker.get_task_execution_context(input_task_id uuid, as_of timestamptz DEFAULT NULL)
RETURNS TABLE (task_id uuid, status text, total_steps bigint, pending_steps bigint, in_progress_steps bigint,
    completed_steps bigint, failed_steps bigint, ready_steps bigint, execution_status text, recommended_action text,
    completion_percentage numeric, health_status text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 AS $$
SELECT e.* FROM tasker.task_execution_at(coalesce(as_of, statement_timestamp())) AS e WHERE e.task_id = input_task_id
$$;

-- The same for several tasks.
CREATE FUNCTION tasker.get_task_execution_contexts_batch(input_task_ids uuid[], as_of timestamptz DEFAULT NULL)
RETURNS TABLE (task_id uuid, status text, total_steps bigint, pending_steps bigint, in_progress_steps bigint,
    completed_steps bigint, failed_steps bigint, ready_steps bigint, execution_status text, recommended_action text,
    completion_percentage numeric, health_status text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10 AS $$
SELECT e.* FROM tasker.task_execution_at(coalesce(as_of, statement_timestamp())) AS e
WHERE e.task_id = ANY (input_task_ids) ORDER BY e.task_id
$$;

-- Where all tasks stand now.
CREATE VIEW tasker.task_execution_context AS SELECT e.* FROM tasker.task_execution_at(statement_timestamp()) AS e;

-- How far the steps of a definition are from its beginning, on the longest and on the shortest path: one pass over steps
-- and edges in topological order. Not for use from outside.
CREATE FUNCTION tasker.revision_levels(input_revision_id uuid)
RETURNS TABLE (ordinal integer, dependency_level integer, min_depth integer)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10 AS $$
DECLARE
    -- Edges sorted by parent; step i of these lists is the one with ordinal i - 1.
    parents  integer[];
    children integer[];
    n_edges  integer;
    n_steps  integer;
    -- Per step: its first edge, parents not visited yet, longest and shortest path.
    edges_at integer[];
    waits    integer[];
    levels   integer[];
    depths   integer[];
    -- The steps in topological order, and how many of them are known and visited.
    ordered  integer[];
    known    integer := 0;
    visited  integer := 0;
    step     integer;
    child    integer;
    edge     integer;
BEGIN
    SELECT max(s.ordinal) + 1 INTO n_steps FROM tasker.definition_step AS s WHERE s.revision_id = input_revision_id;
    IF n_steps IS NULL THEN
        RETURN;
    END IF;
    SELECT coalesce(array_agg(e.parent + 1 ORDER BY e.parent, e.child), '{}'),
        coalesce(array_agg(e.child + 1 ORDER BY e.parent, e.child), '{}'), count(*)
    INTO parents, children, n_edges
    FROM tasker.definition_edge AS e WHERE e.revision_id = input_revision_id;
    edges_at := array_fill(0, ARRAY[n_steps]);
    waits := array_fill(0, ARRAY[n_steps]);
    levels := array_fill(0, ARRAY[n_steps]);
    depths := array_fill(2147483646, ARRAY[n_steps]);
    ordered := array_fill(0, ARRAY[n_steps]);
    FOR edge IN REVERSE n_edges..1 LOOP
        edges_at[parents[edge]] := edge;
        waits[children[edge]] := waits[children[edge]] + 1;
    END LOOP;
    FOR step IN 1..n_steps LOOP
        IF waits[step] = 0 THEN
            known := known + 1;
            ordered[known] := step;
            depths[step] := 0;
        END IF;
    END LOOP;
    WHILE visited < known LOOP
        visited := visited + 1;
        step := ordered[visited];
        edge := edges_at[step];
        WHILE edge BETWEEN 1 AND n_edges AND parents[edge] = step LOOP
            child := children[edge];
            levels[child] := greatest(levels[child], levels[step] + 1);
            depths[child] := least(depths[child], depths[step] + 1);
            waits[child] := waits[child] - 1;
            IF waits[child] = 0 THEN
                known := known + 1;
                ordered[known] := child;
            END IF;
            edge := edge + 1;
        END LOOP;
    END LOOP;
    -- Sorted, so that it can be read beside definition_step.
    RETURN QUERY SELECT (v.place - 1)::integer, v.level, v.depth
        FROM unnest(levels, depths) WITH ORDINALITY AS v (level, depth, place);
END
$$;

-- How many steps stand before each step of a task, on the longest path.
CREATE FUNCTION tasker.calculate_dependency_levels(input_task_id uuid)
RETURNS TABLE (task_id uuid, step_name text, ordinal integer, dependency_level integer)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10 AS $$
SELECT t.id, d.name, d.ordinal, l.dependency_level
FROM tasker.task AS t
CROSS JOIN LATERAL tasker.revision_levels(t.revision_id) AS l
JOIN tasker.definition_step AS d ON d.revision_id = t.revision_id AND d.ordinal = l.ordinal
WHERE t.id = input_task_id
ORDER BY l.dependency_level, d.ordinal
$$;

-- The same for several tasks.
CREATE FUNCTION tasker.calculate_dependency_levels_batch(input_task_ids uuid[])
RETURNS TABLE (task_id uuid, step_name text, ordinal integer, dependency_level integer)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100 AS $$
SELECT t.id, d.name, d.ordinal, l.dependency_level
FROM tasker.task AS t
CROSS JOIN LATERAL tasker.revision_levels(t.revision_id) AS l
JOIN tasker.definition_step AS d ON d.revision_id = t.revision_id AND d.ordinal = l.ordinal
WHERE t.id = ANY (input_task_ids)
ORDER BY t.id, l.dependency_level, d.ordinal
$$;

-- The graph of each task, step by step.
CREATE VIEW tasker.step_dag_relationships AS
SELECT t.id AS task_id, d.name AS step_name, d.ordinal, p.names AS parent_step_names, c.names AS child_step_names,
    p.n AS parent_count, c.n AS child_count, p.n = 0 AS is_root_step, c.n = 0 AS is_leaf_step,
    l.min_depth AS min_depth_from_root
FROM tasker.task AS t
CROSS JOIN LATERAL tasker.revision_levels(t.revision_id) AS l
JOIN tasker.definition_step AS d ON d.revision_id = t.revision_id AND d.ordinal = l.ordinal
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS n, coalesce(jsonb_agg(s.name ORDER BY s.ordinal), '[]') AS names
    FROM tasker.definition_edge AS e
    JOIN tasker.definition_step AS s ON s.revision_id = e.revision_id AND s.ordinal = e.parent
    WHERE e.revision_id = t.revision_id AND e.child = d.ordinal
) AS p
CROSS JOIN LATERAL (
    SELECT count(*)::integer AS n, coalesce(jsonb_agg(s.name ORDER BY s.ordinal), '[]') AS names
    FROM tasker.definition_edge AS e
    JOIN tasker.definition_step AS s ON s.revision_id = e.revision_id AND s.ordinal = e.child
    WHERE e.revision_id = t.revision_id AND e.parent = d.ordinal
) AS c;

-- How many tasks and steps there are in each state. Reads every step.
CREATE FUNCTION tasker.get_system_health_counts(as_of timestamptz DEFAULT NULL)
RETURNS TABLE (total_tasks bigint, pending_tasks bigint, in_progress_tasks bigint, complete_tasks bigint, error_tasks bigint,
    cancelled_tasks bigint, total_steps bigint, pending_steps bigint, in_progress_steps bigint, complete_steps bigint,
    error_steps bigint, retryable_error_steps bigint, exhausted_retry_steps bigint, in_backoff_steps bigint,
    active_connections bigint, max_connections bigint)
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1 AS $$
SELECT t.*, s.*, c.n, coalesce(current_setting('max_connections', true)::bigint, 0)
FROM (
    SELECT count(*), count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 1), count(*) FILTER (WHERE state = 2),
        count(*) FILTER (WHERE state = 3), count(*) FILTER (WHERE state = 4)
    FROM tasker.task
) AS t
CROSS JOIN (
    SELECT count(*), count(*) FILTER (WHERE state = 0), count(*) FILTER (WHERE state = 1), count(*) FILTER (WHERE state = 2),
        count(*) FILTER (WHERE state = 3), count(*) FILTER (WHERE state = 3 AND retryable AND attempts < retry_limit),
        count(*) FILTER (WHERE state = 3 AND attempts >= retry_limit),
        count(*) FILTER (WHERE state = 3 AND retryable AND attempts < retry_limit
            AND last_attempted_at + coalesce(backoff_seconds, 0) * interval '1 second'
                > coalesce(as_of, statement_timestamp()))
    FROM tasker.step
) AS s
CROSS JOIN (
    SELECT count(*) AS n FROM pg_catalog.pg_stat_activity WHERE datname = current_database() AND state = 'active'
) AS c
$$;

-- How it went since an instant; without one, in the last hour. Whatever was created since then is open or ended since then.
CREATE FUNCTION tasker.get_analytics_metrics(since_timestamp timestamptz DEFAULT NULL, as_of timestamptz DEFAULT NULL)
RETURNS TABLE (active_tasks_count bigint, total_namespaces_count bigint, unique_task_types_count bigint,
    system_health_score numeric, task_throughput bigint, completion_count bigint, error_count bigint, completion_rate numeric,
    error_rate numeric, avg_task_duration numeric, avg_step_duration numeric, step_throughput bigint,
    analysis_period_start timestamptz, calculated_at timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 AS $$
WITH period AS MATERIALIZED (
    SELECT p.now, p.now - interval '1 hour' AS hour_ago, coalesce(since_timestamp, p.now - interval '1 hour') AS since
    FROM (SELECT coalesce(as_of, statement_timestamp()) AS now) AS p
), lately AS (
    SELECT t.state, t.created_at, t.ended_at FROM tasker.task AS t
    WHERE t.state IN (0, 1) OR t.ended_at > (SELECT least(p.since, p.hour_ago) FROM period AS p)
), tally AS (
    SELECT count(*) FILTER (WHERE t.state IN (0, 1)) AS active,
        count(*) FILTER (WHERE t.created_at > p.hour_ago AND t.state = 2) AS lately_complete,
        count(*) FILTER (WHERE t.created_at > p.hour_ago AND t.state IN (2, 3)) AS lately_judged,
        count(*) FILTER (WHERE t.created_at > p.since) AS created,
        count(*) FILTER (WHERE t.created_at > p.since AND t.state = 2) AS complete,
        count(*) FILTER (WHERE t.created_at > p.since AND t.state = 3) AS in_error,
        coalesce(round(sum(extract(epoch FROM t.ended_at - t.created_at)) FILTER (WHERE t.created_at > p.since AND t.state = 2)
            / nullif(count(*) FILTER (WHERE t.created_at > p.since AND t.state = 2), 0), 3), 0) AS task_duration
    FROM period AS p LEFT JOIN lately AS t ON true
), finished AS (
    SELECT count(*) AS n, coalesce(round(sum(extract(epoch FROM s.processed_at - s.started_at)) / nullif(count(*), 0), 3), 0)
        AS duration
    FROM period AS p, tasker.task AS t
    JOIN tasker.step AS s ON s.task_id = t.id
    WHERE (t.state IN (0, 1) OR t.ended_at > (SELECT since FROM period)
            OR t.state = 4 AND t.updated_at > (SELECT since FROM period))
        AND s.state = 2 AND s.processed_at > p.since AND s.started_at IS NOT NULL
), kinds AS (
    SELECT count(DISTINCT k.namespace_id) AS namespaces, count(*) AS types FROM (
        SELECT DISTINCT d.namespace_id, d.name FROM tasker.definition AS d
        WHERE EXISTS (
            SELECT FROM tasker.definition_history AS h
            JOIN tasker.task AS t ON t.state IN (0, 1, 2, 3, 4, 5) AND t.revision_id = h.revision_id
            WHERE h.definition_id = d.id
        )
    ) AS k
)
SELECT t.active, k.namespaces, k.types,
    CASE WHEN t.lately_judged = 0 THEN 1.0 ELSE round(t.lately_complete::numeric / t.lately_judged, 3) END,
    t.created, t.complete, t.in_error,
    CASE WHEN t.created = 0 THEN 0.0 ELSE round(100.0 * t.complete / t.created, 2) END,
    CASE WHEN t.created = 0 THEN 0.0 ELSE round(100.0 * t.in_error / t.created, 2) END,
    t.task_duration, f.duration, f.n, p.since, p.now
FROM period AS p, tally AS t, finished AS f, kinds AS k
$$;

-- Tasks of which a step is done or failed, the slowest first.
CREATE FUNCTION tasker.get_slowest_tasks(since_timestamp timestamptz DEFAULT NULL, limit_count integer DEFAULT 10,
    namespace_filter text DEFAULT NULL, task_name_filter text DEFAULT NULL, version_filter text DEFAULT NULL)
RETURNS TABLE (task_id uuid, task_name text, namespace_name text, version text, duration_seconds numeric, step_count bigint,
    completed_steps bigint, error_steps bigint, created_at timestamptz, completed_at timestamptz, initiator text,
    source_system text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10 AS $$
SELECT v.id, v.name, v.namespace, v.version, round(extract(epoch FROM v.finished_at - v.created_at), 3), v.steps, v.done,
    v.failed, v.created_at, v.finished_at, i.initiator, i.source_system
FROM (
    SELECT t.id, d.name, n.name AS namespace, d.version, t.created_at, c.steps, c.done, c.failed, c.finished_at
    FROM (SELECT coalesce(since_timestamp, statement_timestamp() - interval '24 hours') AS since) AS p
    JOIN tasker.task AS t ON t.created_at > p.since AND (t.state IN (0, 1) OR t.ended_at > p.since)
    JOIN tasker.definition_history AS h ON h.revision_id = t.revision_id
    JOIN tasker.definition AS d ON d.id = h.definition_id
    JOIN tasker.namespace AS n ON n.id = d.namespace_id
    CROSS JOIN LATERAL (
        SELECT count(*) AS steps, count(*) FILTER (WHERE s.state IN (2, 5)) AS done,
            count(*) FILTER (WHERE s.state = 3) AS failed,
            max(CASE WHEN s.state IN (2, 5) THEN s.processed_at WHEN s.state = 3 THEN s.last_attempted_at END) AS finished_at
        FROM tasker.step AS s WHERE s.task_id = t.id
    ) AS c
    WHERE c.finished_at IS NOT NULL AND (namespace_filter IS NULL OR n.name = namespace_filter)
        AND (task_name_filter IS NULL OR d.name = task_name_filter) AND (version_filter IS NULL OR d.version = version_filter)
    ORDER BY c.finished_at - t.created_at DESC, t.id
    LIMIT least(greatest(coalesce(limit_count, 10), 1), 100)
) AS v
JOIN tasker.task_input AS i ON i.task_id = v.id
ORDER BY v.finished_at - v.created_at DESC, v.id
$$;

-- Complete steps whose last execution took time, the slowest first.
CREATE FUNCTION tasker.get_slowest_steps(since_timestamp timestamptz DEFAULT NULL, limit_count integer DEFAULT 10,
    namespace_filter text DEFAULT NULL, task_name_filter text DEFAULT NULL, version_filter text DEFAULT NULL)
RETURNS TABLE (task_id uuid, step_name text, ordinal integer, task_name text, namespace_name text, version text,
    duration_seconds numeric, attempts integer, created_at timestamptz, completed_at timestamptz, retryable boolean,
    step_status text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10 AS $$
SELECT t.id, x.name, x.ordinal, d.name, n.name, d.version, round(extract(epoch FROM s.processed_at - s.started_at), 3),
    s.attempts, t.created_at, s.processed_at, s.retryable, 'complete'
FROM (SELECT coalesce(since_timestamp, statement_timestamp() - interval '24 hours') AS since) AS p
JOIN tasker.task AS t ON t.created_at > p.since AND (t.state IN (0, 1) OR t.ended_at > p.since)
JOIN tasker.definition_history AS h ON h.revision_id = t.revision_id
JOIN tasker.definition AS d ON d.id = h.definition_id
JOIN tasker.namespace AS n ON n.id = d.namespace_id
JOIN tasker.step AS s ON s.task_id = t.id AND s.state = 2 AND s.processed_at > s.started_at
JOIN tasker.definition_step AS x ON x.revision_id = t.revision_id AND x.ordinal = s.ordinal
WHERE (namespace_filter IS NULL OR n.name = namespace_filter) AND (task_name_filter IS NULL OR d.name = task_name_filter)
    AND (version_filter IS NULL OR d.version = version_filter)
ORDER BY s.processed_at - s.started_at DESC, t.id, x.ordinal
LIMIT least(greatest(coalesce(limit_count, 10), 1), 100)
$$;
