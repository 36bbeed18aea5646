-- Deliveries of one buy go in the order of its events, whenever each was written: what an endpoint missed is written later, by a replay.
-- 0: delivered before this, and given its number when it is replayed: there may be millions.
ALTER TABLE webhook_deliveries ADD COLUMN event_seq INTEGER NOT NULL DEFAULT 0;
UPDATE webhook_deliveries SET event_seq = (SELECT seq FROM events WHERE id = webhook_deliveries.event)
WHERE status <> 'delivered';
DROP INDEX webhook_deliveries_in_order;
CREATE INDEX webhook_deliveries_in_order ON webhook_deliveries (webhook, buy, event_seq, seq) WHERE status = 'pending';
DROP INDEX webhook_deliveries_due;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook, due_at, event_seq) WHERE status = 'pending';
DROP INDEX webhook_deliveries_dead;
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (webhook, event_seq) WHERE status = 'dead';
