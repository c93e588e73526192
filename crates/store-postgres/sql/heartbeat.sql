-- A worker beats: registers, judges others lost if it may ($8), and learns what stands in its name (kind 1) and what lost,
-- stopped and unknown workers left (kind 2, at most $9). Nothing at all is answered to a worker that is lost or stopped;
-- to a live one at least a row with the time (kind 0).
WITH RECURSIVE clock AS (
    SELECT coalesce($1::timestamptz, statement_timestamp()) AS now
), me AS (
    INSERT INTO tasker.worker AS w (id, name, version, handlers, capacity, started_at, heartbeat_at)
    SELECT $2, $3, $4, $5::text[], $6, clock.now, clock.now FROM clock
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, version = excluded.version, handlers = excluded.handlers,
        capacity = excluded.capacity, heartbeat_at = excluded.heartbeat_at
    WHERE w.lost_at IS NULL AND w.stopped_at IS NULL
    RETURNING id
), silent AS (
    -- Whoever is being written at this moment beats, or is judged by another.
    SELECT w.id FROM tasker.worker AS w, clock
    WHERE $8 AND w.id <> $2 AND w.lost_at IS NULL AND w.stopped_at IS NULL
        AND w.heartbeat_at < clock.now - $7::bigint * interval '1 microsecond'
        AND EXISTS (SELECT FROM me)
    FOR NO KEY UPDATE OF w SKIP LOCKED
), judged AS (
    UPDATE tasker.worker AS w SET lost_at = clock.now FROM clock, silent WHERE w.id = silent.id RETURNING w.id
), holder AS (
    -- The distinct workers in the queue, one index probe each.
    SELECT (SELECT q.worker FROM tasker.queue AS q WHERE q.worker IS NOT NULL ORDER BY q.worker LIMIT 1) AS id
    UNION ALL
    SELECT (SELECT q.worker FROM tasker.queue AS q WHERE q.worker > h.id ORDER BY q.worker LIMIT 1)
    FROM holder AS h WHERE h.id IS NOT NULL
), dead AS (
    SELECT h.id FROM holder AS h LEFT JOIN tasker.worker AS w ON w.id = h.id
    WHERE h.id IS NOT NULL AND h.id <> $2
        AND (w.id IS NULL OR w.lost_at IS NOT NULL OR w.stopped_at IS NOT NULL OR w.id IN (SELECT id FROM judged))
), orphan AS (
    SELECT q.task_id, q.ordinal, q.fence
    FROM dead AS d JOIN tasker.queue AS q ON q.worker = d.id
    ORDER BY q.task_id, q.ordinal LIMIT $9
)
SELECT 0, clock.now, NULL::uuid, NULL::integer, NULL::bigint, NULL::boolean FROM clock, me
UNION ALL
SELECT 1, NULL, q.task_id, q.ordinal, q.fence, t.state IS NULL OR t.state = 4
FROM me JOIN tasker.queue AS q ON q.worker = $2
LEFT JOIN tasker.task AS t ON t.id = q.task_id
UNION ALL
SELECT 2, NULL, o.task_id, o.ordinal, o.fence, NULL FROM me, orphan AS o
