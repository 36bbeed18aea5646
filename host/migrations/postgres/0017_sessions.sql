-- Browsers that are signed in to the review desk. A session acts with the rights that its token has at the moment.
CREATE TABLE sessions (
    -- SHA-256 of the cookie, in hexadecimal.
    secret     TEXT PRIMARY KEY,
    -- SHA-256 of the token with which somebody signed in.
    token      TEXT NOT NULL,
    -- Who stands behind the token, in lower case and without spaces around it.
    person     TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    -- A recent request.
    seen_at    BIGINT NOT NULL
);
CREATE INDEX sessions_by_person ON sessions (person);
CREATE INDEX sessions_by_seen_at ON sessions (seen_at);
