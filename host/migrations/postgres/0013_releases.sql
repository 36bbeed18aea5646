-- Which releases of an adapter a platform has, and which of them serves it.

-- Releases that were installed for a platform. Their bytes are in `components`.
CREATE TABLE releases (
    platform     TEXT    NOT NULL,
    digest       TEXT    NOT NULL REFERENCES components (digest),
    version      TEXT    NOT NULL,
    installed_at BIGINT NOT NULL,
    installed_by TEXT    NOT NULL,
    -- When a host rolled back from it because it was unhealthy.
    unhealthy_at BIGINT,
    PRIMARY KEY (platform, digest)
);

-- Every decision about which release serves. The last one of a platform holds.
CREATE TABLE activations (
    platform TEXT    NOT NULL,
    number   BIGINT NOT NULL,
    digest   TEXT    NOT NULL,
    at       BIGINT NOT NULL,
    actor    TEXT    NOT NULL,
    kind     TEXT    NOT NULL,
    reason   TEXT,
    PRIMARY KEY (platform, number)
);

INSERT INTO releases (platform, digest, version, installed_at, installed_by)
SELECT platform, digest, '', at, 'flightdeck' FROM active_components;
INSERT INTO activations (platform, number, digest, at, actor, kind)
SELECT platform, 1, digest, at, 'flightdeck', 'configuration' FROM active_components;
DROP TABLE active_components;
