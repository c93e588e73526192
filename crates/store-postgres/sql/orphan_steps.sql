-- Deletes steps without a task, with their queue rows (of task $1, unless that is null), at most $2; only counts them if $3.
WITH found AS MATERIALIZED (
    SELECT o.task_id, o.ordinal FROM tasker.step AS o
    WHERE ($1::uuid IS NULL OR o.task_id = $1) AND NOT EXISTS (SELECT FROM tasker.task AS t WHERE t.id = o.task_id)
    LIMIT $2
), deleted AS (
    DELETE FROM tasker.step AS d USING found AS f WHERE d.task_id = f.task_id AND d.ordinal = f.ordinal AND NOT $3
), deleted_row AS (
    DELETE FROM tasker.queue AS q USING found AS f WHERE q.task_id = f.task_id AND q.ordinal = f.ordinal AND NOT $3
)
SELECT count(*) FROM found
