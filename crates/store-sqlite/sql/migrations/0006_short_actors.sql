-- A worker that is named in the log is the 16 bytes of its id instead of 43 letters: it is named in nearly every entry.

DROP VIEW transitions;

ALTER TABLE transition RENAME COLUMN actor TO name;
ALTER TABLE transition ADD COLUMN actor ANY NOT NULL DEFAULT '';
UPDATE transition SET actor = coalesce(
    CASE WHEN name GLOB 'worker:????????-????-????-????-????????????' AND name = lower(name)
            AND length(replace(name, '-', '')) = 39
        THEN unhex(replace(substr(name, 8), '-', ''))
    END,
    name);
ALTER TABLE transition DROP COLUMN name;

CREATE VIEW transitions AS
SELECT
    x.n AS n,
    lower(substr(hex(t.id), 1, 8) || '-' || substr(hex(t.id), 9, 4) || '-' || substr(hex(t.id), 13, 4) || '-'
        || substr(hex(t.id), 17, 4) || '-' || substr(hex(t.id), 21)) AS task_id,
    ds.name AS step_name,
    x.seq AS sort_key,
    NOT EXISTS (
        SELECT 1 FROM transition AS later
        WHERE later.task_seq = x.task_seq AND later.seq > x.seq AND later.ordinal IS x.ordinal
    ) AS most_recent,
    f.name AS from_state,
    o.name AS to_state,
    strftime('%Y-%m-%dT%H:%M:%S', x.at / 1000000, 'unixepoch') || printf('.%06dZ', x.at % 1000000) AS created_at,
    iif(typeof(x.actor) = 'blob',
        'worker:' || lower(substr(hex(x.actor), 1, 8) || '-' || substr(hex(x.actor), 9, 4) || '-'
            || substr(hex(x.actor), 13, 4) || '-' || substr(hex(x.actor), 17, 4) || '-' || substr(hex(x.actor), 21)),
        x.actor) AS actor,
    x.metadata AS metadata
FROM transition AS x
JOIN task AS t ON t.seq = x.task_seq
JOIN state_name AS o ON o.code = x.to_state
LEFT JOIN state_name AS f ON f.code = x.from_state
LEFT JOIN definition_step AS ds ON ds.revision_id = t.revision_id AND ds.ordinal = x.ordinal;
