-- A worker beats: registers, judges others lost if it may ($8), and learns what stands in its name (kind 1) and what lost,
-- stopped and unknown workers left (kind 2, at most $9). Nothing at all is answered to a worker that is lost or stopped;
-- to a live one at least a row with the time, and whether it judged another lost (kind 0). If the rows of workers are not to
-- be looked for ($10), it only learns which of its claims ($11, $12) it still has.
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
        -- Whoever was not heard for a lease judges nobody. This reads the row as it was before this beat.
        AND EXISTS (SELECT FROM tasker.worker AS before
                    WHERE before.id = $2 AND before.heartbeat_at >= clock.now - $7::bigint * interval '1 microsecond')
    FOR NO KEY UPDATE OF w SKIP LOCKED
), judged AS (
    UPDATE tasker.worker AS w SET lost_at = clock.now FROM clock, silent WHERE w.id = silent.id RETURNING w.id
), holder AS (
    -- The distinct workers in the queue, one index probe each.
    SELECT (SELECT q.worker FROM tasker.queue AS q WHERE q.worker IS NOT NULL ORDER BY q.worker LIMIT 1) AS id WHERE $10
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
SELECT 0, clock.now, NULL::uuid, NULL::integer, NULL::bigint, EXISTS (SELECT FROM judged) FROM clock, me
UNION ALL
SELECT 1, NULL, q.task_id, q.ordinal, q.fence, t.state IS NULL OR t.state = 4
FROM me JOIN tasker.queue AS q ON q.worker = $2
LEFT JOIN tasker.task AS t ON t.id = q.task_id
WHERE $10
UNION ALL
-- (The odd condition: see lock_due.sql.)
SELECT 1, NULL, q.task_id, q.ordinal, q.fence, t.state IS NULL OR t.state = 4
FROM me, unnest($11::uuid[], $12::integer[]) AS v (task_id, ordinal)
JOIN tasker.queue AS q ON q.task_id = v.task_id AND q.ordinal = v.ordinal AND (q.worker = $2)::integer = 1
LEFT JOIN tasker.task AS t ON t.id = q.task_id
WHERE NOT $10
UNION ALL
SELECT 2, NULL, o.task_id, o.ordinal, o.fence, NULL FROM me, orphan AS o
