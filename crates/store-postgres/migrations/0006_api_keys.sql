-- Who may call the HTTP API.

-- Of a token only a digest of its secret is kept. No namespaces: all.
CREATE TABLE tasker.api_key (
    id           text        PRIMARY KEY,
    name         text        NOT NULL,
    digest       bytea       NOT NULL,
    roles        text[]      NOT NULL,
    grants       text[]      NOT NULL,
    namespaces   text[],
    created_at   timestamptz NOT NULL,
    created_by   text        NOT NULL,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz
);
