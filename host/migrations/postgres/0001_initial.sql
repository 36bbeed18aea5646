-- As in SQLite: aggregates are JSON documents (doc) beside the columns that are searched or constrained, both written by
-- one statement from one value; times are microseconds since 1970 in UTC; flags are 0 and 1. Documents are text, so that
-- what was written is what is read; cast them (doc::jsonb) to look into them.

CREATE TABLE media_buys (
    -- The order in which buys were recorded, and so the order of every list of them.
    seq       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id        TEXT   NOT NULL UNIQUE,
    version   BIGINT NOT NULL DEFAULT 1,
    principal TEXT   NOT NULL,
    status    TEXT   NOT NULL,
    po_number TEXT,
    ends_at   BIGINT NOT NULL,
    -- When its ad servers were last asked about it, or somewhat before, so that a crowd spreads out; NULL: never.
    asked_at  BIGINT,
    doc       TEXT   NOT NULL
);
CREATE INDEX media_buys_by_turn ON media_buys (asked_at) WHERE asked_at IS NOT NULL;
CREATE INDEX media_buys_by_principal ON media_buys (principal, seq);
CREATE INDEX media_buys_by_principal_and_status ON media_buys (principal, status, seq);
CREATE INDEX media_buys_by_status ON media_buys (status, seq);
CREATE INDEX media_buys_by_po_number ON media_buys (po_number, seq) WHERE po_number IS NOT NULL;

-- On which platforms a buy has packages.
CREATE TABLE buy_platforms (
    platform TEXT   NOT NULL,
    buy_seq  BIGINT NOT NULL REFERENCES media_buys (seq),
    PRIMARY KEY (platform, buy_seq)
);
CREATE INDEX buy_platforms_by_buy ON buy_platforms (buy_seq);

-- What exists on the ad servers. This table, not the buy's doc, says so: it is written while an operation runs.
CREATE TABLE remote_objects (
    buy       TEXT NOT NULL REFERENCES media_buys (id),
    platform  TEXT NOT NULL,
    kind      TEXT NOT NULL,
    key       TEXT NOT NULL,
    remote_id TEXT NOT NULL,
    PRIMARY KEY (buy, platform, kind, key)
);

CREATE TABLE operations (
    -- The order of acceptance: operations of one buy are carried out in it.
    seq         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          TEXT   NOT NULL UNIQUE,
    version     BIGINT NOT NULL DEFAULT 1,
    buy         TEXT   NOT NULL REFERENCES media_buys (id),
    kind        TEXT   NOT NULL,
    state       TEXT   NOT NULL,
    -- Whether it only stops or restarts delivery, and whether it has begun and not ended: who waits for whom.
    switches    BIGINT NOT NULL CHECK (switches IN (0, 1)),
    begun       BIGINT NOT NULL CHECK (begun IN (0, 1)),
    run_at      BIGINT NOT NULL,
    -- Rises with every claim; whoever names an older one has lost the operation.
    fence       BIGINT NOT NULL DEFAULT 0,
    worker      TEXT,
    lease_until BIGINT,
    doc         TEXT   NOT NULL,
    CHECK ((worker IS NULL) = (lease_until IS NULL)),
    CHECK (lease_until IS NULL OR state = 'running')
);
CREATE INDEX operations_claimable ON operations (run_at, seq) WHERE state IN ('queued', 'running');
CREATE INDEX operations_running ON operations (run_at) WHERE state = 'running';
CREATE INDEX operations_by_buy ON operations (buy, state, seq);
CREATE INDEX operations_begun ON operations (buy) WHERE begun = 1;
-- Two workers may each see an operation of one buy that may be claimed: only one of them gets it.
CREATE UNIQUE INDEX operations_leased ON operations (buy) WHERE lease_until IS NOT NULL;

CREATE TABLE steps (
    -- The order in which steps were begun for the first time.
    seq       BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    operation TEXT   NOT NULL REFERENCES operations (id),
    platform  TEXT   NOT NULL,
    name      TEXT   NOT NULL,
    reference TEXT   NOT NULL,
    state     TEXT   NOT NULL CHECK (state IN ('fresh', 'open', 'done')),
    outcome   BYTEA,
    begun_at  BIGINT NOT NULL,
    UNIQUE (operation, platform, name),
    CHECK ((state = 'done') = (outcome IS NOT NULL))
);

CREATE TABLE tasks (
    seq         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id          TEXT   NOT NULL UNIQUE,
    version     BIGINT NOT NULL DEFAULT 1,
    kind        TEXT   NOT NULL,
    principal   TEXT   NOT NULL,
    buy         TEXT   NOT NULL,
    operation   TEXT   NOT NULL REFERENCES operations (id),
    status      TEXT   NOT NULL,
    -- Whether a person can still do something about it, whether nobody has decided it, and whether its due date can
    -- still escalate it.
    open        BIGINT NOT NULL CHECK (open IN (0, 1)),
    undecided   BIGINT NOT NULL CHECK (undecided IN (0, 1)),
    escalates   BIGINT NOT NULL CHECK (escalates IN (0, 1)),
    -- 0 is low and 3 is urgent.
    priority    BIGINT NOT NULL,
    created_at  BIGINT NOT NULL,
    due_by      BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    -- While it is open, the largest integer: "closed after then, or not yet" is one range of an index.
    closed_at   BIGINT NOT NULL,
    doc         TEXT   NOT NULL
);
CREATE INDEX tasks_listed ON tasks (closed_at);
CREATE INDEX tasks_by_buy ON tasks (buy, closed_at);
CREATE INDEX tasks_by_principal ON tasks (principal, closed_at);
CREATE INDEX tasks_by_operation ON tasks (operation);
CREATE INDEX tasks_expiring ON tasks (expires_at) WHERE undecided = 1;
CREATE INDEX tasks_escalating ON tasks (due_by) WHERE escalates = 1;

CREATE TABLE task_history (
    seq  BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    task TEXT NOT NULL REFERENCES tasks (id),
    doc  TEXT NOT NULL
);
CREATE INDEX task_history_by_task ON task_history (task, seq);

CREATE TABLE events (
    seq BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id  TEXT NOT NULL UNIQUE,
    buy TEXT NOT NULL,
    doc TEXT NOT NULL
);
CREATE INDEX events_by_buy ON events (buy, seq);

-- Only ever appended to. Each line carries the digest of itself and of the line before it.
CREATE TABLE audit (
    seq     BIGINT NOT NULL PRIMARY KEY,
    at      BIGINT NOT NULL,
    subject TEXT   NOT NULL,
    doc     TEXT   NOT NULL,
    chain   TEXT   NOT NULL
);
CREATE INDEX audit_by_subject ON audit (subject, seq);
CREATE FUNCTION audit_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only';
END
$$;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_append_only();

CREATE TABLE idempotency (
    principal   TEXT   NOT NULL,
    key         TEXT   NOT NULL,
    fingerprint TEXT   NOT NULL,
    operation   TEXT   NOT NULL,
    -- JSON, once the first answer was given.
    answer      TEXT,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    PRIMARY KEY (principal, key)
);
CREATE INDEX idempotency_by_expiry ON idempotency (expires_at);

CREATE TABLE tokens (
    name       TEXT   NOT NULL PRIMARY KEY,
    sha256     TEXT   NOT NULL UNIQUE,
    role       TEXT   NOT NULL,
    principal  TEXT,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    revoked_at BIGINT
);
