-- The first schema. States are the codes of state_name. There are no foreign keys on step, queue and transition:
-- `tasker db check` verifies what they would. Whatever is written often has room in its pages (fillfactor), so that
-- updates stay in place, and is vacuumed by count, not by share.

CREATE TABLE tasker.schema_info (
    only_row      boolean PRIMARY KEY DEFAULT true CONSTRAINT schema_info_only_row_check CHECK (only_row),
    version       integer NOT NULL,
    -- The oldest schema version that a program may have been built for and still use this database.
    readable_from integer NOT NULL
);

CREATE TABLE tasker.state_name (
    code smallint PRIMARY KEY,
    name text     NOT NULL UNIQUE
);

INSERT INTO tasker.state_name (code, name)
VALUES (0, 'pending'), (1, 'in_progress'), (2, 'complete'), (3, 'error'), (4, 'cancelled'), (5, 'resolved_manually');

CREATE TABLE tasker.namespace (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name       text        NOT NULL UNIQUE,
    created_at timestamptz NOT NULL
);

-- id = the first eight bytes of the SHA-256 of the name: the same in every database, so that nobody has to look it up.
CREATE TABLE tasker.handler (
    id   bigint PRIMARY KEY,
    name text   NOT NULL UNIQUE
);

CREATE TABLE tasker.dependent_system (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);

-- Pairs of ids of one object in two systems, the smaller (system, id) first.
CREATE TABLE tasker.dependent_system_object_map (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    system_one_id bigint      NOT NULL REFERENCES tasker.dependent_system,
    remote_id_one text        NOT NULL,
    system_two_id bigint      NOT NULL REFERENCES tasker.dependent_system,
    remote_id_two text        NOT NULL,
    created_at    timestamptz NOT NULL,
    UNIQUE (system_one_id, remote_id_one, system_two_id, remote_id_two)
);

-- Content of a definition. id = the first sixteen bytes of its digest.
CREATE TABLE tasker.definition_revision (
    id         uuid PRIMARY KEY,
    digest     bytea   NOT NULL UNIQUE,
    n_steps    integer NOT NULL,
    deprecated boolean NOT NULL,
    document   text    NOT NULL
);

-- One version of one workflow. Its content is revision_id; tasks stay with the revision they were submitted with.
CREATE TABLE tasker.definition (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    namespace_id  bigint      NOT NULL REFERENCES tasker.namespace,
    name          text        NOT NULL,
    version       text        NOT NULL,
    revision_id   uuid        NOT NULL REFERENCES tasker.definition_revision,
    retired       boolean     NOT NULL DEFAULT false,
    description   text,
    registered_at timestamptz NOT NULL,
    UNIQUE (namespace_id, name, version)
);

-- Which definition a revision was made for; a definition may have had several.
CREATE TABLE tasker.definition_history (
    revision_id   uuid   PRIMARY KEY REFERENCES tasker.definition_revision,
    definition_id bigint NOT NULL REFERENCES tasker.definition
);

CREATE TABLE tasker.definition_step (
    revision_id         uuid    NOT NULL REFERENCES tasker.definition_revision,
    ordinal             integer NOT NULL,
    name                text    NOT NULL,
    handler_id          bigint  NOT NULL REFERENCES tasker.handler,
    dependent_system_id bigint  NOT NULL REFERENCES tasker.dependent_system,
    PRIMARY KEY (revision_id, ordinal)
);

CREATE TABLE tasker.definition_edge (
    revision_id uuid    NOT NULL REFERENCES tasker.definition_revision,
    parent      integer NOT NULL,
    child       integer NOT NULL,
    PRIMARY KEY (revision_id, parent, child)
);

-- Numbers tasks in the order in which they are accepted.
CREATE SEQUENCE tasker.task_arrival_seq;

-- The small and hot row of a task; its lock is the lock of the whole task. `active` is how many queue rows it has,
-- `remaining` how many steps are not done, `log_seq` the number of its last log entry, `log_epoch` and `log_xid` that
-- entry's place in the stream. `version` is another random number after every change of anything of the task: who
-- knows the task as of this version knows it as it is.
CREATE TABLE tasker.task (
    id          uuid PRIMARY KEY,
    revision_id uuid        NOT NULL,
    created_at  timestamptz NOT NULL,
    updated_at  timestamptz NOT NULL,
    ended_at    timestamptz,
    arrival     bigint      NOT NULL,
    log_seq     bigint      NOT NULL,
    log_xid     bigint      NOT NULL,
    version     bigint      NOT NULL DEFAULT 0,
    log_epoch   integer     NOT NULL,
    active      integer     NOT NULL,
    remaining   integer     NOT NULL,
    state       smallint    NOT NULL,
    priority    smallint    NOT NULL
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0);

CREATE INDEX task_state_revision_id_idx ON tasker.task (state, revision_id, id);
CREATE INDEX task_ended_at_idx ON tasker.task (ended_at, arrival) WHERE ended_at IS NOT NULL;

-- What a task was asked for.
CREATE TABLE tasker.task_input (
    task_id        uuid PRIMARY KEY,
    requested_at   timestamptz NOT NULL,
    content        bytea       NOT NULL,
    initiator      text        NOT NULL,
    source_system  text        NOT NULL,
    reason         text        NOT NULL,
    tags           text[]      NOT NULL,
    bypass_steps   text[]      NOT NULL,
    correlation_id text,
    identity       text,
    context        json        NOT NULL
);

CREATE INDEX task_input_tags_idx ON tasker.task_input USING gin (tags) WHERE tags <> '{}';

-- The guard against repeated requests: rows only of tasks whose strategy deduplicates.
CREATE TABLE tasker.identity (
    hash    text PRIMARY KEY,
    task_id uuid NOT NULL
);

CREATE INDEX identity_task_id_idx ON tasker.identity (task_id);

CREATE TABLE tasker.step (
    task_id           uuid        NOT NULL,
    ordinal           integer     NOT NULL,
    waits             integer     NOT NULL,
    fence             bigint      NOT NULL,
    settled_fence     bigint      NOT NULL,
    updated_at        timestamptz NOT NULL,
    last_attempted_at timestamptz,
    started_at        timestamptz,
    processed_at      timestamptz,
    attempts          integer     NOT NULL,
    retry_limit       integer     NOT NULL,
    lease_expiries    integer     NOT NULL,
    key_generation    integer     NOT NULL,
    backoff_seconds   integer,
    state             smallint    NOT NULL,
    retryable         boolean     NOT NULL,
    inputs            json,
    results           json,
    error             json,
    PRIMARY KEY (task_id, ordinal)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.05,
    autovacuum_vacuum_cost_delay = 0);

-- One row per step that is scheduled or running: tiny, however much history there is.
CREATE TABLE tasker.queue (
    task_id    uuid        NOT NULL,
    ordinal    integer     NOT NULL,
    priority   smallint    NOT NULL,
    handler_id bigint      NOT NULL,
    arrival    bigint      NOT NULL,
    fence      bigint      NOT NULL,
    run_at     timestamptz NOT NULL,
    worker     uuid,
    PRIMARY KEY (task_id, ordinal)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000,
    autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000, autovacuum_vacuum_cost_delay = 0);

CREATE INDEX queue_due_idx ON tasker.queue (handler_id, priority, run_at, arrival, ordinal) WHERE worker IS NULL;
CREATE INDEX queue_worker_idx ON tasker.queue (worker) WHERE worker IS NOT NULL;

-- The log: every state change of tasks (ordinal null) and steps. `n` numbers the entries; (epoch, xid, n) is their place
-- in the stream: an entry can be told once no transaction up to `xid` is under way any more. `xid` is the writing
-- transaction's id, or that of the task's entry before if that is higher, so that each task is told in its order.
CREATE TABLE tasker.transition (
    task_id    uuid        NOT NULL,
    seq        bigint      NOT NULL,
    n          bigint      NOT NULL GENERATED ALWAYS AS IDENTITY,
    xid        bigint      NOT NULL,
    at         timestamptz NOT NULL,
    epoch      integer     NOT NULL,
    ordinal    integer,
    from_state smallint,
    to_state   smallint    NOT NULL,
    actor      text        NOT NULL,
    metadata   json,
    PRIMARY KEY (task_id, seq)
) WITH (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);

CREATE INDEX transition_epoch_xid_n_idx ON tasker.transition (epoch, xid, n);

-- Which life of the transaction ids this is, and how far the log was deleted.
CREATE TABLE tasker.log_state (
    only_row     boolean PRIMARY KEY DEFAULT true CONSTRAINT log_state_only_row_check CHECK (only_row),
    epoch        integer NOT NULL,
    pruned_epoch integer NOT NULL,
    pruned_xid   bigint  NOT NULL,
    pruned_n     bigint  NOT NULL
);

INSERT INTO tasker.log_state (epoch, pruned_epoch, pruned_xid, pruned_n) VALUES (1, 0, 0, 0);

CREATE TABLE tasker.worker (
    id           uuid PRIMARY KEY,
    name         text        NOT NULL,
    version      text        NOT NULL,
    handlers     text[]      NOT NULL,
    capacity     bigint      NOT NULL,
    started_at   timestamptz NOT NULL,
    heartbeat_at timestamptz NOT NULL,
    lost_at      timestamptz,
    stopped_at   timestamptz
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

CREATE TABLE tasker.annotation_type (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text NOT NULL UNIQUE
);

CREATE TABLE tasker.task_annotation (
    id                 bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task_id            uuid        NOT NULL,
    annotation_type_id bigint      NOT NULL REFERENCES tasker.annotation_type,
    created_at         timestamptz NOT NULL,
    value              json        NOT NULL
);

CREATE INDEX task_annotation_task_id_id_idx ON tasker.task_annotation (task_id, id);
