//! What the database itself notes of who writes steps, operations and remote objects, by triggers. Each write is a line of `watched`, and
//! `allowed` says whether its writer was the one who may.
//!
//! On PostgreSQL a session's name has its process id, and so has the worker in a lease: a write is its holder's only if the two are the
//! same. SQLite has one host and no names of sessions: there a write of steps or remote objects must at least meet a lease. On both, a
//! fence rises by one with each claim, a claim waits for the end of the lease before it, and what ended stays ended.

pub(super) const POSTGRES: &str = "
    CREATE SEQUENCE watched_seq;
    CREATE TABLE watched (
        seq BIGINT PRIMARY KEY, what TEXT, operation TEXT, platform TEXT, step TEXT, was TEXT, becomes TEXT, fence BIGINT, allowed BIGINT);

    CREATE FUNCTION writer() RETURNS TEXT LANGUAGE sql AS
        $$ SELECT split_part(current_setting('application_name'), '-', 2) $$;

    CREATE FUNCTION watch_step() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE was TEXT; holder TEXT; number BIGINT;
    BEGIN
        IF TG_OP = 'UPDATE' THEN was := OLD.state; END IF;
        SELECT worker, fence INTO holder, number FROM operations WHERE id = NEW.operation;
        INSERT INTO watched VALUES (nextval('watched_seq'), 'step', NEW.operation, NEW.platform, NEW.name, was, NEW.state, number,
            CASE WHEN split_part(holder, '-', 1) = writer() THEN 1 ELSE 0 END);
        RETURN NULL;
    END $$;
    CREATE TRIGGER watch_steps AFTER INSERT OR UPDATE ON steps FOR EACH ROW EXECUTE FUNCTION watch_step();

    CREATE FUNCTION watch_operation() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE fine BOOLEAN;
    BEGIN
        fine := CASE
            WHEN OLD.state IN ('succeeded', 'failed') THEN NEW.state = OLD.state AND NEW.fence = OLD.fence
            WHEN NEW.fence = OLD.fence + 1 THEN
                split_part(NEW.worker, '-', 1) = writer()
                AND (OLD.lease_until IS NULL OR OLD.lease_until <= extract(epoch FROM clock_timestamp()) * 1000000)
            WHEN NEW.fence <> OLD.fence THEN false
            WHEN OLD.lease_until IS NOT NULL THEN split_part(OLD.worker, '-', 1) = writer()
            ELSE NEW.lease_until IS NULL
        END;
        INSERT INTO watched VALUES (nextval('watched_seq'), 'operation', NEW.id, NULL, NULL, OLD.state, NEW.state, NEW.fence,
            CASE WHEN fine THEN 1 ELSE 0 END);
        RETURN NULL;
    END $$;
    CREATE TRIGGER watch_operations AFTER UPDATE ON operations FOR EACH ROW EXECUTE FUNCTION watch_operation();

    CREATE FUNCTION watch_remote() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE mine TEXT; place TEXT; fine BOOLEAN;
    BEGIN
        IF TG_OP = 'DELETE' THEN mine := OLD.buy; place := OLD.platform; ELSE mine := NEW.buy; place := NEW.platform; END IF;
        fine := EXISTS (SELECT 1 FROM operations
                        WHERE buy = mine AND state = 'running' AND split_part(worker, '-', 1) = writer());
        INSERT INTO watched VALUES (nextval('watched_seq'), 'remote', mine, place, NULL, NULL, TG_OP, NULL,
            CASE WHEN fine THEN 1 ELSE 0 END);
        RETURN NULL;
    END $$;
    CREATE TRIGGER watch_remotes AFTER INSERT OR UPDATE OR DELETE ON remote_objects
        FOR EACH ROW EXECUTE FUNCTION watch_remote();";

/// SQLite numbers the lines itself; its clock for statements is exact to a millisecond.
pub(super) const SQLITE: &str = "
    CREATE TABLE watched (
        seq INTEGER PRIMARY KEY, what TEXT, operation TEXT, platform TEXT, step TEXT, was TEXT, becomes TEXT, fence BIGINT, allowed BIGINT);
    CREATE TRIGGER watch_new_steps AFTER INSERT ON steps BEGIN
        INSERT INTO watched SELECT NULL, 'step', NEW.operation, NEW.platform, NEW.name, NULL, NEW.state, fence,
            state = 'running' AND lease_until IS NOT NULL FROM operations WHERE id = NEW.operation;
    END;
    CREATE TRIGGER watch_steps AFTER UPDATE ON steps BEGIN
        INSERT INTO watched SELECT NULL, 'step', NEW.operation, NEW.platform, NEW.name, OLD.state, NEW.state,
            fence, state = 'running' AND lease_until IS NOT NULL FROM operations WHERE id = NEW.operation;
    END;
    CREATE TRIGGER watch_operations AFTER UPDATE ON operations BEGIN
        INSERT INTO watched VALUES (NULL, 'operation', NEW.id, NULL, NULL, OLD.state, NEW.state, NEW.fence,
            CASE
                WHEN OLD.state IN ('succeeded', 'failed') THEN NEW.state = OLD.state AND NEW.fence = OLD.fence
                WHEN NEW.fence = OLD.fence + 1 THEN NEW.worker IS NOT NULL
                    AND (OLD.lease_until IS NULL OR OLD.lease_until <= unixepoch('subsec') * 1000000 + 1000)
                WHEN NEW.fence <> OLD.fence THEN 0
                WHEN OLD.lease_until IS NOT NULL THEN 1
                ELSE NEW.lease_until IS NULL
            END);
    END;
    CREATE TRIGGER watch_new_remotes AFTER INSERT ON remote_objects BEGIN
        INSERT INTO watched VALUES (NULL, 'remote', NEW.buy, NEW.platform, NULL, NULL, 'INSERT', NULL,
            EXISTS (SELECT 1 FROM operations WHERE buy = NEW.buy AND state = 'running' AND lease_until IS NOT NULL));
    END;
    CREATE TRIGGER watch_remotes AFTER UPDATE ON remote_objects BEGIN
        INSERT INTO watched VALUES (NULL, 'remote', NEW.buy, NEW.platform, NULL, NULL, 'UPDATE', NULL,
            EXISTS (SELECT 1 FROM operations WHERE buy = NEW.buy AND state = 'running' AND lease_until IS NOT NULL));
    END;
    CREATE TRIGGER watch_gone_remotes AFTER DELETE ON remote_objects BEGIN
        INSERT INTO watched VALUES (NULL, 'remote', OLD.buy, OLD.platform, NULL, NULL, 'DELETE', NULL,
            EXISTS (SELECT 1 FROM operations WHERE buy = OLD.buy AND state = 'running' AND lease_until IS NOT NULL));
    END;";

/// Writes that nobody may make who holds no lease, one of each kind, for when everything has ended.
pub(super) const FORBIDDEN: [&str; 5] = [
    "UPDATE steps SET begun_at = begun_at WHERE seq = (SELECT min(seq) FROM steps)",
    "UPDATE remote_objects SET remote_id = remote_id WHERE remote_id = (SELECT min(remote_id) FROM remote_objects)",
    "UPDATE operations SET state = 'queued' WHERE seq = (SELECT min(seq) FROM operations WHERE state = 'succeeded')",
    "UPDATE operations SET fence = fence - 1 WHERE seq = (SELECT min(seq) FROM operations WHERE state = 'queued')",
    "UPDATE operations SET fence = fence + 2 WHERE seq = (SELECT min(seq) FROM operations WHERE state = 'queued')",
];

/// How many steps were begun by a later claim while an earlier one had left them in doubt.
pub(super) const BEGUN_AGAIN: &str = "
    SELECT count(*) FROM (
        SELECT was, becomes, fence, lag(fence) OVER (PARTITION BY operation, platform, step ORDER BY seq) AS before
        FROM watched WHERE what = 'step') AS writes
    WHERE was = 'open' AND becomes = 'open' AND fence > before";
