-- The first schema. Times are whole microseconds since 1970-01-01 UTC; states are the codes of state_name; JSON is
-- text. There are no foreign keys: `tasker db check` verifies what they would.

CREATE TABLE schema_info (
    id            INTEGER PRIMARY KEY CHECK (id = 1),
    version       INTEGER NOT NULL,
    -- The oldest schema version that a program may have been built for and still use this database.
    readable_from INTEGER NOT NULL
) STRICT;

CREATE TABLE state_name (
    code INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

INSERT INTO state_name (code, name)
VALUES (0, 'pending'), (1, 'in_progress'), (2, 'complete'), (3, 'error'), (4, 'cancelled'), (5, 'resolved_manually');

CREATE TABLE namespace (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,
    description TEXT,
    created_at  INTEGER NOT NULL
) STRICT;

INSERT INTO namespace (id, name, created_at) VALUES (1, 'default', CAST(unixepoch('subsec') * 1000000 AS INTEGER));

CREATE TABLE handler (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE dependent_system (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,
    description TEXT,
    created_at  INTEGER NOT NULL
) STRICT;

-- Pairs of ids of one object in two systems, the smaller (system name, id) first.
CREATE TABLE dependent_system_object_map (
    id            INTEGER PRIMARY KEY,
    system_one_id INTEGER NOT NULL,
    remote_id_one TEXT    NOT NULL,
    system_two_id INTEGER NOT NULL,
    remote_id_two TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    UNIQUE (system_one_id, remote_id_one, system_two_id, remote_id_two)
) STRICT;

-- One version of one workflow. Its content is revision_id; tasks stay with the revision they were submitted with.
CREATE TABLE definition (
    id            INTEGER PRIMARY KEY,
    namespace_id  INTEGER NOT NULL,
    name          TEXT    NOT NULL,
    version       TEXT    NOT NULL,
    revision_id   INTEGER NOT NULL,
    retired       INTEGER NOT NULL DEFAULT 0,
    description   TEXT,
    configuration TEXT    NOT NULL,
    created_at    INTEGER NOT NULL,
    -- When its present content was given to it.
    registered_at INTEGER NOT NULL,
    UNIQUE (namespace_id, name, version)
) STRICT;

CREATE TABLE definition_revision (
    id            INTEGER PRIMARY KEY,
    definition_id INTEGER NOT NULL,
    digest        BLOB    NOT NULL UNIQUE,
    n_steps       INTEGER NOT NULL,
    deprecated    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    document      TEXT    NOT NULL
) STRICT;

CREATE INDEX definition_revision_by_definition ON definition_revision (definition_id);

CREATE TABLE definition_step (
    revision_id         INTEGER NOT NULL,
    ordinal             INTEGER NOT NULL,
    name                TEXT    NOT NULL,
    handler_id          INTEGER NOT NULL,
    dependent_system_id INTEGER NOT NULL,
    PRIMARY KEY (revision_id, ordinal)
) STRICT, WITHOUT ROWID;

CREATE TABLE definition_edge (
    revision_id INTEGER NOT NULL,
    parent      INTEGER NOT NULL,
    child       INTEGER NOT NULL,
    PRIMARY KEY (revision_id, parent, child)
) STRICT, WITHOUT ROWID;

-- The small and hot row of a task. `active` is how many queue rows it has, `remaining` how many steps are not done.
CREATE TABLE task (
    seq         INTEGER PRIMARY KEY,
    id          BLOB    NOT NULL UNIQUE,
    revision_id INTEGER NOT NULL,
    state       INTEGER NOT NULL,
    active      INTEGER NOT NULL,
    remaining   INTEGER NOT NULL,
    priority    INTEGER NOT NULL,
    log_seq     INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    updated_at  INTEGER NOT NULL,
    ended_at    INTEGER
) STRICT;

CREATE INDEX task_by_state ON task (state, revision_id, id);
CREATE INDEX task_by_end ON task (ended_at) WHERE ended_at IS NOT NULL;

-- What a task was asked for. The context stands last, so that the rest is read without it.
CREATE TABLE task_input (
    task_seq       INTEGER PRIMARY KEY,
    initiator      TEXT    NOT NULL,
    source_system  TEXT    NOT NULL,
    reason         TEXT    NOT NULL,
    tags           TEXT    NOT NULL,
    bypass_steps   TEXT    NOT NULL,
    requested_at   INTEGER NOT NULL,
    correlation_id TEXT,
    identity       TEXT,
    content        BLOB    NOT NULL,
    context        TEXT    NOT NULL
) STRICT;

-- The guard against repeated requests: rows only of tasks whose strategy deduplicates.
CREATE TABLE identity (
    hash     TEXT    PRIMARY KEY,
    task_seq INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- key = task seq * 32768 + ordinal, in step and in queue: the steps of a task lie together, in document order.
CREATE TABLE step (
    key               INTEGER PRIMARY KEY,
    state             INTEGER NOT NULL,
    waits             INTEGER NOT NULL,
    attempts          INTEGER NOT NULL,
    retry_limit       INTEGER NOT NULL,
    retryable         INTEGER NOT NULL,
    fence             INTEGER NOT NULL,
    settled_fence     INTEGER NOT NULL,
    lease_expiries    INTEGER NOT NULL,
    key_generation    INTEGER NOT NULL,
    last_attempted_at INTEGER,
    backoff_seconds   INTEGER,
    started_at        INTEGER,
    processed_at      INTEGER,
    updated_at        INTEGER NOT NULL,
    inputs            TEXT,
    results           TEXT,
    error             TEXT
) STRICT;

-- One row per step that is scheduled or running.
CREATE TABLE queue (
    key        INTEGER PRIMARY KEY,
    handler_id INTEGER NOT NULL,
    priority   INTEGER NOT NULL,
    run_at     INTEGER NOT NULL,
    worker_id  BLOB,
    fence      INTEGER NOT NULL
) STRICT;

CREATE INDEX queue_due ON queue (handler_id, priority, run_at) WHERE worker_id IS NULL;
CREATE INDEX queue_held ON queue (worker_id) WHERE worker_id IS NOT NULL;

-- The log: every state change of tasks (ordinal null) and steps. `n` is the order of commits and is never used twice.
CREATE TABLE transition (
    n          INTEGER PRIMARY KEY AUTOINCREMENT,
    task_seq   INTEGER NOT NULL,
    seq        INTEGER NOT NULL,
    ordinal    INTEGER,
    from_state INTEGER,
    to_state   INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    metadata   TEXT
) STRICT;

CREATE INDEX transition_by_task ON transition (task_seq, seq);

CREATE TABLE worker (
    id           BLOB    PRIMARY KEY,
    name         TEXT    NOT NULL,
    version      TEXT    NOT NULL,
    handlers     TEXT    NOT NULL,
    capacity     INTEGER NOT NULL,
    started_at   INTEGER NOT NULL,
    heartbeat_at INTEGER NOT NULL,
    lost_at      INTEGER,
    stopped_at   INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE annotation_type (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,
    description TEXT
) STRICT;

CREATE TABLE task_annotation (
    id                 INTEGER PRIMARY KEY,
    task_seq           INTEGER NOT NULL,
    annotation_type_id INTEGER NOT NULL,
    value              TEXT    NOT NULL,
    created_at         INTEGER NOT NULL
) STRICT;

CREATE INDEX task_annotation_by_task ON task_annotation (task_seq);

-- Views for people: ids, states and times as text.

CREATE VIEW tasks AS
SELECT
    lower(substr(hex(t.id), 1, 8) || '-' || substr(hex(t.id), 9, 4) || '-' || substr(hex(t.id), 13, 4) || '-'
        || substr(hex(t.id), 17, 4) || '-' || substr(hex(t.id), 21)) AS task_id,
    n.name AS namespace,
    d.name AS name,
    d.version AS version,
    lower(hex(r.digest)) AS revision,
    s.name AS status,
    t.active AS active_steps,
    t.remaining AS remaining_steps,
    r.n_steps AS total_steps,
    t.priority AS priority,
    i.initiator AS initiator,
    i.source_system AS source_system,
    i.reason AS reason,
    i.tags AS tags,
    i.bypass_steps AS bypass_steps,
    i.correlation_id AS correlation_id,
    i.identity AS identity_hash,
    strftime('%Y-%m-%dT%H:%M:%S', i.requested_at / 1000000, 'unixepoch') || printf('.%06dZ', i.requested_at % 1000000)
        AS requested_at,
    strftime('%Y-%m-%dT%H:%M:%S', t.created_at / 1000000, 'unixepoch') || printf('.%06dZ', t.created_at % 1000000)
        AS created_at,
    strftime('%Y-%m-%dT%H:%M:%S', t.updated_at / 1000000, 'unixepoch') || printf('.%06dZ', t.updated_at % 1000000)
        AS updated_at,
    strftime('%Y-%m-%dT%H:%M:%S', t.ended_at / 1000000, 'unixepoch') || printf('.%06dZ', t.ended_at % 1000000)
        AS completed_at,
    i.context AS context
FROM task AS t
JOIN task_input AS i ON i.task_seq = t.seq
JOIN definition_revision AS r ON r.id = t.revision_id
JOIN definition AS d ON d.id = r.definition_id
JOIN namespace AS n ON n.id = d.namespace_id
JOIN state_name AS s ON s.code = t.state;

CREATE VIEW steps AS
SELECT
    lower(substr(hex(t.id), 1, 8) || '-' || substr(hex(t.id), 9, 4) || '-' || substr(hex(t.id), 13, 4) || '-'
        || substr(hex(t.id), 17, 4) || '-' || substr(hex(t.id), 21)) AS task_id,
    ds.name AS step_name,
    ds.ordinal AS ordinal,
    h.name AS handler,
    y.name AS dependent_system,
    n.name AS status,
    s.waits AS waits,
    s.attempts AS attempts,
    s.retry_limit AS retry_limit,
    s.retryable AS retryable,
    s.backoff_seconds AS backoff_request_seconds,
    q.key IS NOT NULL AS is_queued,
    q.worker_id IS NOT NULL AS is_claimed,
    strftime('%Y-%m-%dT%H:%M:%S', q.run_at / 1000000, 'unixepoch') || printf('.%06dZ', q.run_at % 1000000) AS run_at,
    strftime('%Y-%m-%dT%H:%M:%S', s.last_attempted_at / 1000000, 'unixepoch')
        || printf('.%06dZ', s.last_attempted_at % 1000000) AS last_attempted_at,
    strftime('%Y-%m-%dT%H:%M:%S', s.started_at / 1000000, 'unixepoch') || printf('.%06dZ', s.started_at % 1000000)
        AS started_at,
    strftime('%Y-%m-%dT%H:%M:%S', s.processed_at / 1000000, 'unixepoch')
        || printf('.%06dZ', s.processed_at % 1000000) AS processed_at,
    strftime('%Y-%m-%dT%H:%M:%S', s.updated_at / 1000000, 'unixepoch') || printf('.%06dZ', s.updated_at % 1000000)
        AS updated_at,
    s.inputs AS inputs,
    s.results AS results,
    s.error AS error
FROM task AS t
JOIN definition_step AS ds ON ds.revision_id = t.revision_id
JOIN step AS s ON s.key = t.seq * 32768 + ds.ordinal
JOIN handler AS h ON h.id = ds.handler_id
JOIN dependent_system AS y ON y.id = ds.dependent_system_id
JOIN state_name AS n ON n.code = s.state
LEFT JOIN queue AS q ON q.key = s.key;

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
    x.actor AS actor,
    x.metadata AS metadata
FROM transition AS x
JOIN task AS t ON t.seq = x.task_seq
JOIN state_name AS o ON o.code = x.to_state
LEFT JOIN state_name AS f ON f.code = x.from_state
LEFT JOIN definition_step AS ds ON ds.revision_id = t.revision_id AND ds.ordinal = x.ordinal;
