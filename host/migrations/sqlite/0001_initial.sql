-- Aggregates are JSON documents (doc) beside the columns that are searched or constrained. Both are written by one
-- statement from one value. Times are microseconds since 1970 in UTC.

CREATE TABLE media_buys (
    -- The order in which buys were recorded, and so the order of every list of them.
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    id        TEXT    NOT NULL UNIQUE,
    version   INTEGER NOT NULL DEFAULT 1,
    principal TEXT    NOT NULL,
    status    TEXT    NOT NULL,
    po_number TEXT,
    ends_at   INTEGER NOT NULL,
    -- When its ad servers were last asked about it, or somewhat before, so that a crowd spreads out; NULL: never.
    asked_at  INTEGER,
    doc       TEXT    NOT NULL
) STRICT;
CREATE INDEX media_buys_by_turn ON media_buys (asked_at) WHERE asked_at IS NOT NULL;
CREATE INDEX media_buys_by_principal ON media_buys (principal, seq);
CREATE INDEX media_buys_by_principal_and_status ON media_buys (principal, status, seq);
CREATE INDEX media_buys_by_status ON media_buys (status, seq);
CREATE INDEX media_buys_by_po_number ON media_buys (po_number, seq) WHERE po_number IS NOT NULL;

-- On which platforms a buy has packages.
CREATE TABLE buy_platforms (
    platform TEXT    NOT NULL,
    buy_seq  INTEGER NOT NULL REFERENCES media_buys (seq),
    PRIMARY KEY (platform, buy_seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX buy_platforms_by_buy ON buy_platforms (buy_seq);

-- What exists on the ad servers. This table, not the buy's doc, says so: it is written while an operation runs.
CREATE TABLE remote_objects (
    buy       TEXT NOT NULL REFERENCES media_buys (id),
    platform  TEXT NOT NULL,
    kind      TEXT NOT NULL,
    key       TEXT NOT NULL,
    remote_id TEXT NOT NULL,
    PRIMARY KEY (buy, platform, kind, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE operations (
    -- The order of acceptance: operations of one buy are carried out in it.
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT    NOT NULL UNIQUE,
    version     INTEGER NOT NULL DEFAULT 1,
    buy         TEXT    NOT NULL REFERENCES media_buys (id),
    kind        TEXT    NOT NULL,
    state       TEXT    NOT NULL,
    -- Whether it only stops or restarts delivery, and whether it has begun and not ended: who waits for whom.
    switches    INTEGER NOT NULL CHECK (switches IN (0, 1)),
    begun       INTEGER NOT NULL CHECK (begun IN (0, 1)),
    run_at      INTEGER NOT NULL,
    -- Rises with every claim; whoever names an older one has lost the operation.
    fence       INTEGER NOT NULL DEFAULT 0,
    worker      TEXT,
    lease_until INTEGER,
    doc         TEXT    NOT NULL,
    CHECK ((worker IS NULL) = (lease_until IS NULL)),
    CHECK (lease_until IS NULL OR state = 'running')
) STRICT;
CREATE INDEX operations_queued ON operations (run_at, seq) WHERE state = 'queued';
CREATE INDEX operations_running ON operations (run_at, seq) WHERE state = 'running';
CREATE INDEX operations_by_buy ON operations (buy, state, seq);
CREATE INDEX operations_begun ON operations (buy) WHERE begun = 1;

CREATE TABLE steps (
    -- The order in which steps were begun for the first time.
    seq       INTEGER PRIMARY KEY AUTOINCREMENT,
    operation TEXT    NOT NULL REFERENCES operations (id),
    platform  TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    reference TEXT    NOT NULL,
    state     TEXT    NOT NULL CHECK (state IN ('fresh', 'open', 'done')),
    outcome   BLOB,
    begun_at  INTEGER NOT NULL,
    UNIQUE (operation, platform, name),
    CHECK ((state = 'done') = (outcome IS NOT NULL))
) STRICT;

CREATE TABLE tasks (
    seq         INTEGER PRIMARY KEY AUTOINCREMENT,
    id          TEXT    NOT NULL UNIQUE,
    version     INTEGER NOT NULL DEFAULT 1,
    kind        TEXT    NOT NULL,
    principal   TEXT    NOT NULL,
    buy         TEXT    NOT NULL,
    operation   TEXT    NOT NULL REFERENCES operations (id),
    status      TEXT    NOT NULL,
    -- Whether a person can still do something about it, whether nobody has decided it, and whether its due date can
    -- still escalate it.
    open        INTEGER NOT NULL CHECK (open IN (0, 1)),
    undecided   INTEGER NOT NULL CHECK (undecided IN (0, 1)),
    escalates   INTEGER NOT NULL CHECK (escalates IN (0, 1)),
    -- 0 is low and 3 is urgent.
    priority    INTEGER NOT NULL,
    created_at  INTEGER NOT NULL,
    due_by      INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    -- While it is open, the largest integer: "closed after then, or not yet" is one range of an index.
    closed_at   INTEGER NOT NULL,
    doc         TEXT    NOT NULL
) STRICT;
CREATE INDEX tasks_listed ON tasks (closed_at);
CREATE INDEX tasks_by_buy ON tasks (buy, closed_at);
CREATE INDEX tasks_by_principal ON tasks (principal, closed_at);
CREATE INDEX tasks_by_operation ON tasks (operation);
CREATE INDEX tasks_expiring ON tasks (expires_at) WHERE undecided = 1;
CREATE INDEX tasks_escalating ON tasks (due_by) WHERE escalates = 1;

CREATE TABLE task_history (
    seq  INTEGER PRIMARY KEY AUTOINCREMENT,
    task TEXT    NOT NULL REFERENCES tasks (id),
    doc  TEXT    NOT NULL
) STRICT;
CREATE INDEX task_history_by_task ON task_history (task, seq);

CREATE TABLE events (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id  TEXT    NOT NULL UNIQUE,
    buy TEXT    NOT NULL,
    doc TEXT    NOT NULL
) STRICT;
CREATE INDEX events_by_buy ON events (buy, seq);

-- Only ever appended to.
CREATE TABLE audit (
    seq     INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    subject TEXT    NOT NULL,
    doc     TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_by_subject ON audit (subject, seq);
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
BEGIN SELECT raise(ABORT, 'the audit log is append-only'); END;

CREATE TABLE idempotency (
    principal   TEXT    NOT NULL,
    key         TEXT    NOT NULL,
    fingerprint TEXT    NOT NULL,
    operation   TEXT    NOT NULL,
    -- JSON, once the first answer was given.
    answer      TEXT,
    created_at  INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (principal, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

CREATE TABLE tokens (
    name       TEXT NOT NULL PRIMARY KEY,
    sha256     TEXT NOT NULL UNIQUE,
    role       TEXT NOT NULL,
    principal  TEXT,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    revoked_at INTEGER
) STRICT;
