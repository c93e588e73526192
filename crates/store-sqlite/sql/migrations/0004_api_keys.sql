-- Who may call the HTTP API.

-- Of a token only a digest of its secret is kept. Roles, grants and namespaces are lists as JSON; no namespaces: all.
CREATE TABLE api_key (
    id           TEXT    PRIMARY KEY,
    name         TEXT    NOT NULL,
    digest       BLOB    NOT NULL,
    roles        TEXT    NOT NULL,
    grants       TEXT    NOT NULL,
    namespaces   TEXT,
    created_at   INTEGER NOT NULL,
    created_by   TEXT    NOT NULL,
    expires_at   INTEGER,
    revoked_at   INTEGER,
    last_used_at INTEGER
) STRICT, WITHOUT ROWID;
