-- Each line of the audit log is signed from here on: its link names a key. What an older host would add has none.
CREATE TRIGGER audit_is_signed BEFORE INSERT ON audit WHEN NEW.chain NOT LIKE '%:%'
BEGIN SELECT raise(ABORT, 'a line of the audit log needs a key: stop every flightdeck of an older version'); END;

-- Tokens that are refused although a configuration has them, by the SHA-256 of their text: another secret under the same name is another
-- token. Those of the table tokens have a column that says so.
CREATE TABLE revoked_tokens (
    sha256     TEXT    NOT NULL PRIMARY KEY,
    name       TEXT    NOT NULL,
    revoked_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Credentials are known by something that nobody can guess them from; before, it was their plain digest.
DELETE FROM limits WHERE key NOT LIKE 'adapter %';
