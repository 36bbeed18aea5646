-- At a million buys: every list and every upkeep goes along an index, in the order in which it is wanted, and reads no more than it gives.

-- The list of buys with every combination of filters. Where a platform is asked for, the list is walked here, so that what else is
-- asked for stands here, too: triggers keep it as the buy has it.
ALTER TABLE buy_platforms ADD COLUMN principal TEXT NOT NULL DEFAULT '';
ALTER TABLE buy_platforms ADD COLUMN status TEXT NOT NULL DEFAULT '';
ALTER TABLE buy_platforms ADD COLUMN po_number TEXT;
UPDATE buy_platforms SET (principal, status, po_number) =
    (SELECT principal, status, po_number FROM media_buys WHERE seq = buy_platforms.buy_seq);
CREATE TRIGGER buy_platforms_are_listed AFTER INSERT ON buy_platforms
BEGIN
    UPDATE buy_platforms SET (principal, status, po_number) =
        (SELECT principal, status, po_number FROM media_buys WHERE seq = NEW.buy_seq)
    WHERE platform = NEW.platform AND buy_seq = NEW.buy_seq;
END;
CREATE TRIGGER buy_platforms_follow AFTER UPDATE OF principal, status, po_number ON media_buys
WHEN (OLD.principal, OLD.status, OLD.po_number) IS NOT (NEW.principal, NEW.status, NEW.po_number)
BEGIN
    UPDATE buy_platforms SET principal = NEW.principal, status = NEW.status, po_number = NEW.po_number
    WHERE buy_seq = NEW.seq;
END;
CREATE INDEX buy_platforms_of_principal ON buy_platforms (platform, principal, buy_seq);
CREATE INDEX buy_platforms_in_status ON buy_platforms (platform, status, buy_seq);
CREATE INDEX buy_platforms_of_principal_in_status ON buy_platforms (platform, principal, status, buy_seq);
CREATE INDEX buy_platforms_ordered ON buy_platforms (platform, po_number, buy_seq) WHERE po_number IS NOT NULL;
CREATE INDEX buy_platforms_ordered_by_principal ON buy_platforms (platform, po_number, principal, buy_seq)
    WHERE po_number IS NOT NULL;
CREATE INDEX buy_platforms_ordered_in_status ON buy_platforms (platform, po_number, status, buy_seq)
    WHERE po_number IS NOT NULL;
CREATE INDEX buy_platforms_ordered_by_principal_in_status ON buy_platforms (platform, po_number, principal, status, buy_seq)
    WHERE po_number IS NOT NULL;
CREATE INDEX media_buys_ordered_by_principal ON media_buys (po_number, principal, seq) WHERE po_number IS NOT NULL;
CREATE INDEX media_buys_ordered_in_status ON media_buys (po_number, status, seq) WHERE po_number IS NOT NULL;
CREATE INDEX media_buys_ordered_by_principal_in_status ON media_buys (po_number, principal, status, seq)
    WHERE po_number IS NOT NULL;

-- Of one buy, or of one operation, in the order of the answer.
CREATE INDEX operations_by_kind ON operations (buy, kind, seq);
CREATE INDEX operations_unended ON operations (buy, seq) WHERE state NOT IN ('succeeded', 'failed');
CREATE INDEX steps_in_order ON steps (operation, seq);

-- The list of tasks: what is open, and what was closed a few days ago. The clock takes what is older out of it.
ALTER TABLE tasks ADD COLUMN listed INTEGER NOT NULL DEFAULT 1 CHECK (listed IN (0, 1));
CREATE INDEX tasks_unlisted_next ON tasks (closed_at) WHERE listed = 1;
DROP INDEX tasks_listed;
DROP INDEX tasks_by_principal;
CREATE INDEX tasks_listed ON tasks (priority DESC, created_at, seq, closed_at, open, due_by) WHERE listed = 1;
CREATE INDEX tasks_listed_p ON tasks (principal, priority DESC, created_at, seq, closed_at, open, due_by) WHERE listed = 1;
CREATE INDEX tasks_listed_k ON tasks (kind, priority DESC, created_at, seq, closed_at, open, due_by) WHERE listed = 1;
CREATE INDEX tasks_listed_s ON tasks (status, priority DESC, created_at, seq, closed_at, open, due_by) WHERE listed = 1;
CREATE INDEX tasks_listed_pk ON tasks (principal, kind, priority DESC, created_at, seq, closed_at, open, due_by)
    WHERE listed = 1;
CREATE INDEX tasks_listed_ps ON tasks (principal, status, priority DESC, created_at, seq, closed_at, open, due_by)
    WHERE listed = 1;
CREATE INDEX tasks_listed_ks ON tasks (kind, status, priority DESC, created_at, seq, closed_at, open, due_by)
    WHERE listed = 1;
CREATE INDEX tasks_listed_pks ON tasks (principal, kind, status, priority DESC, created_at, seq, closed_at, open, due_by)
    WHERE listed = 1;
CREATE INDEX tasks_late ON tasks (due_by) WHERE open = 1;

-- What was sent to an endpoint, newest first; what was sent of an event.
CREATE INDEX webhook_deliveries_listed ON webhook_deliveries (webhook, seq);
CREATE INDEX webhook_deliveries_by_event ON webhook_deliveries (event);

-- What is old is forgotten, the oldest first. When an operation ended is in its document, and stands here for those that a host of this
-- version has ended; a host looks the others up, some at a time.
ALTER TABLE operations ADD COLUMN ended_at INTEGER;
CREATE INDEX operations_ended ON operations (ended_at)
    WHERE state IN ('succeeded', 'failed') AND kind <> 'create_media_buy';
CREATE INDEX operations_ended_unknown_when ON operations (seq)
    WHERE ended_at IS NULL AND state IN ('succeeded', 'failed') AND kind <> 'create_media_buy';
CREATE INDEX tasks_closed ON tasks (closed_at);
