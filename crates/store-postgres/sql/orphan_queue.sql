-- Deletes queue rows without a step and without a task (of task $1, unless that is null), at most $2; only counts them if $3.
WITH found AS MATERIALIZED (
    SELECT o.task_id, o.ordinal FROM tasker.queue AS o
    WHERE ($1::uuid IS NULL OR o.task_id = $1) AND NOT EXISTS (SELECT FROM tasker.task AS t WHERE t.id = o.task_id)
        AND NOT EXISTS (SELECT FROM tasker.step AS s WHERE s.task_id = o.task_id AND s.ordinal = o.ordinal)
    LIMIT $2
), deleted AS (
    DELETE FROM tasker.queue AS d USING found AS f WHERE d.task_id = f.task_id AND d.ordinal = f.ordinal AND NOT $3
)
SELECT count(*) FROM found
