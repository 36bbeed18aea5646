-- What hosts on one database have in common beside the work.

-- Adapters' components, by the SHA-256 of their bytes: an operation that began on one ends on it, on whatever host.
CREATE TABLE components (
    digest   TEXT    NOT NULL PRIMARY KEY,
    content  BYTEA   NOT NULL,
    added_at BIGINT NOT NULL
);

-- Which of them serves a platform.
CREATE TABLE active_components (
    platform TEXT    NOT NULL PRIMARY KEY,
    digest   TEXT    NOT NULL REFERENCES components (digest),
    at       BIGINT NOT NULL
);

-- How fast an ad server may be asked with one credential, and until when it or its adapter is left alone.
CREATE TABLE limits (
    key        TEXT    NOT NULL PRIMARY KEY,
    -- When the next request may be sent that nobody has reserved yet.
    next_at    BIGINT NOT NULL DEFAULT 0,
    held_until BIGINT NOT NULL DEFAULT 0
);

-- Moments that matter to all hosts: when the database was restored from a copy.
CREATE TABLE marks (
    name TEXT    NOT NULL PRIMARY KEY,
    at   BIGINT NOT NULL
);

-- How much there is of what has not ended.
CREATE INDEX operations_open ON operations (state) WHERE state NOT IN ('succeeded', 'failed');
CREATE INDEX tasks_open ON tasks (kind) WHERE open = 1;
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (webhook) WHERE status = 'dead';
