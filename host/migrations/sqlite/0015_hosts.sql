-- The hosts on this database, as each last reported itself. Nothing but what people are shown depends on it.
CREATE TABLE hosts (
    name          TEXT NOT NULL PRIMARY KEY,
    seen_at       INTEGER NOT NULL,
    -- The digest of the configuration with which it serves, and since when.
    configuration TEXT NOT NULL,
    loaded_at     INTEGER NOT NULL,
    -- The last request to reload that it has handled, and why it could not follow it.
    asked_at      INTEGER,
    problem       TEXT
) STRICT;
