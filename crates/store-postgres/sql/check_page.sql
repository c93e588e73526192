-- The next tasks after $1 that are looked at together: at most $2 tasks, and $3 steps if it is more than one task. Answers
-- the last of them, null if none is left after them, and how many they are; no row if there is none.
WITH next AS (
    SELECT t.id, t.revision_id FROM tasker.task AS t WHERE $1::uuid IS NULL OR t.id > $1 ORDER BY t.id LIMIT $2
), sized AS (
    SELECT n.id, row_number() OVER in_order AS place, sum(coalesce(r.n_steps, 0)) OVER in_order AS steps
    FROM next AS n LEFT JOIN tasker.definition_revision AS r ON r.id = n.revision_id
    WINDOW in_order AS (ORDER BY n.id)
), last AS (
    SELECT s.id, s.place FROM sized AS s WHERE s.place = 1 OR s.steps <= $3 ORDER BY s.place DESC LIMIT 1
)
SELECT CASE WHEN EXISTS (SELECT FROM tasker.task AS t WHERE t.id > l.id) THEN l.id END, l.place FROM last AS l
