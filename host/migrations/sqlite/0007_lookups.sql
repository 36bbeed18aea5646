-- A request that was sent and got no answer may be carried out long afterwards.

-- The last moment at which a request of the step may have left that got no answer; none: every one was answered.
ALTER TABLE steps ADD COLUMN sent_at INTEGER;
-- How many runs of the step ended with a request that got no answer.
ALTER TABLE steps ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;
-- Whether a run has the step that may send: if it is cut off, a request of it may have left.
ALTER TABLE steps ADD COLUMN sending INTEGER NOT NULL DEFAULT 0 CHECK (sending IN (0, 1));
-- What an older version left open may have been sent until it was last begun.
UPDATE steps SET sent_at = begun_at, lost = 1, sending = 1 WHERE state = 'open';

-- Steps whose objects are looked for again, because a request of them got no answer: there may be a second object one day.
CREATE TABLE lookups (
    operation TEXT    NOT NULL REFERENCES operations (id),
    platform  TEXT    NOT NULL,
    name      TEXT    NOT NULL,
    due_at    INTEGER NOT NULL,
    -- How many looks were made since a request was last lost or a second object was last found.
    round     INTEGER NOT NULL DEFAULT 0,
    -- The remote ids that a person was told of, as a JSON array.
    told      TEXT    NOT NULL DEFAULT '[]',
    PRIMARY KEY (operation, platform, name)
) STRICT;
CREATE INDEX lookups_due ON lookups (due_at);
