-- What is sent of an event, frozen, and what tells who hears of it.
ALTER TABLE events ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN principal TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE events ADD COLUMN body TEXT NOT NULL DEFAULT '';
CREATE INDEX events_by_time ON events (at);

-- Where events are sent.
CREATE TABLE webhooks (
    seq           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id            TEXT    NOT NULL UNIQUE,
    version       BIGINT NOT NULL DEFAULT 1,
    -- Whose events it hears; NULL: everybody's.
    owner         TEXT,
    enabled       BIGINT NOT NULL CHECK (enabled IN (0, 1)),
    -- Since when nothing succeeded. This column, not the doc, says so: deliveries write it.
    failing_since BIGINT,
    doc           TEXT    NOT NULL
);
CREATE INDEX webhooks_by_owner ON webhooks (owner, seq);

-- What an endpoint wants to hear.
CREATE TABLE webhook_events (
    webhook TEXT NOT NULL REFERENCES webhooks (id),
    kind    TEXT NOT NULL,
    PRIMARY KEY (kind, webhook)
);
CREATE INDEX webhook_events_by_webhook ON webhook_events (webhook);

-- The deliveries of events to endpoints, written with the events.
CREATE TABLE webhook_deliveries (
    -- The order in which they were written.
    seq      BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook  TEXT    NOT NULL REFERENCES webhooks (id),
    event    TEXT    NOT NULL REFERENCES events (id),
    buy      TEXT    NOT NULL,
    status   TEXT    NOT NULL CHECK (status IN ('pending', 'delivered', 'dead')),
    attempts BIGINT NOT NULL DEFAULT 0,
    since    BIGINT NOT NULL,
    -- When it is tried next. While somebody tries, when their lease runs out.
    due_at   BIGINT NOT NULL,
    leased   BIGINT NOT NULL DEFAULT 0 CHECK (leased IN (0, 1)),
    -- Rises with every claim.
    fence    BIGINT NOT NULL DEFAULT 0,
    tried_at BIGINT,
    answered BIGINT,
    error    TEXT,
    UNIQUE (webhook, event)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (due_at, seq) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_in_order ON webhook_deliveries (webhook, buy, seq) WHERE status = 'pending';
CREATE INDEX webhook_deliveries_leased ON webhook_deliveries (webhook) WHERE leased = 1;
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook, status, seq);
CREATE INDEX webhook_deliveries_old ON webhook_deliveries (since) WHERE status <> 'pending';
