-- How tasks that ended and steps that were executed after $1 fared, open tasks of which nothing is queued, and connections.
-- Sessions of other roles tell who has them, not what they are; those of no database are the server's own.
SELECT e.ended, e.failed, x.executed, x.failed, u.stuck, c.used, coalesce(current_setting('max_connections', true)::bigint, 0)
FROM (
    SELECT count(*) AS ended, count(*) FILTER (WHERE state = 3) AS failed
    FROM tasker.task WHERE ended_at > $1 AND state IN (2, 3)
) AS e
CROSS JOIN (
    SELECT count(*) AS executed, count(*) FILTER (WHERE s.state = 3) AS failed
    FROM tasker.task AS t
    JOIN tasker.step AS s ON s.task_id = t.id
    WHERE (t.state IN (0, 1) OR t.ended_at > $1) AND s.state IN (2, 3) AND s.last_attempted_at > $1
) AS x
CROSS JOIN (
    SELECT count(*) AS stuck FROM tasker.task AS t
    WHERE t.state IN (0, 1) AND NOT EXISTS (SELECT FROM tasker.queue AS q WHERE q.task_id = t.id)
) AS u
CROSS JOIN (
    SELECT count(*) AS used FROM pg_catalog.pg_stat_activity
    WHERE backend_type = 'client backend' OR backend_type IS NULL AND datid IS NOT NULL AND usesysid IS NOT NULL
) AS c
