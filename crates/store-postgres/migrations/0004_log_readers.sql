-- What was deleted of the log, and who still wants to read it.

-- Deletions from the log: their numbers, and the place of the last entry that each deleted. One after which another
-- reached as far or farther is forgotten, so that there are few.
CREATE TABLE tasker.log_pruning (
    number bigint  PRIMARY KEY,
    epoch  integer NOT NULL,
    xid    bigint  NOT NULL,
    n      bigint  NOT NULL
);

-- What was deleted before this was noted.
INSERT INTO tasker.log_pruning (number, epoch, xid, n)
SELECT 1, pruned_epoch, pruned_xid, pruned_n FROM tasker.log_state WHERE pruned_epoch > 0;

-- Noted here and not by whoever prunes, so that programs for older schemas do it too.
CREATE FUNCTION tasker.note_log_pruning() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    -- One at a time.
    PERFORM FROM tasker.log_state FOR UPDATE;
    WITH newest AS (
        SELECT epoch, xid, n FROM gone ORDER BY epoch DESC, xid DESC, n DESC LIMIT 1
    ), overtaken AS (
        DELETE FROM tasker.log_pruning AS p USING newest
        WHERE (p.epoch, p.xid, p.n) <= (newest.epoch, newest.xid, newest.n)
    )
    INSERT INTO tasker.log_pruning (number, epoch, xid, n)
    SELECT (SELECT coalesce(max(number), 0) + 1 FROM tasker.log_pruning), epoch, xid, n FROM newest;
    RETURN NULL;
END
$$;

CREATE TRIGGER transition_note_log_pruning AFTER DELETE ON tasker.transition
REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION tasker.note_log_pruning();

-- How far readers of the log have come: the last entry that each is done with, how often the log had been pruned when it
-- got that, and when this was noted.
CREATE TABLE tasker.log_reader (
    name     text PRIMARY KEY,
    epoch    integer     NOT NULL,
    xid      bigint      NOT NULL,
    n        bigint      NOT NULL,
    prunings bigint      NOT NULL,
    seen_at  timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Positions say how often the log had been pruned when they were given out.
CREATE OR REPLACE VIEW tasker.transitions AS
SELECT x.epoch || '-' || x.xid || '-' || x.n
        || coalesce('.' || (SELECT max(p.number) FROM tasker.log_pruning AS p), '') AS cursor,
    x.task_id, d.name AS step_name, x.ordinal, x.seq AS sort_key,
    NOT EXISTS (
        SELECT FROM tasker.transition AS later
        WHERE later.task_id = x.task_id AND later.seq > x.seq AND later.ordinal IS NOT DISTINCT FROM x.ordinal
    ) AS most_recent, f.name AS from_state, o.name AS to_state, x.at AS created_at, x.actor, x.metadata
FROM tasker.transition AS x
JOIN tasker.task AS t ON t.id = x.task_id
JOIN tasker.state_name AS o ON o.code = x.to_state
LEFT JOIN tasker.state_name AS f ON f.code = x.from_state
LEFT JOIN tasker.definition_step AS d ON d.revision_id = t.revision_id AND d.ordinal = x.ordinal;
