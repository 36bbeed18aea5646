-- Deliveries of one buy go in the order of its events, whenever each was written: what an endpoint missed is written later, by a replay.
-- 0: written by a host of the version before, while hosts are replaced; or delivered before, and given its number when it is replayed: there
-- may be millions.
ALTER TABLE webhook_deliveries ADD COLUMN event_seq BIGINT NOT NULL DEFAULT 0;
UPDATE webhook_deliveries SET event_seq = events.seq FROM events
WHERE events.id = webhook_deliveries.event AND status <> 'delivered';
DROP INDEX webhook_deliveries_in_order;
CREATE INDEX webhook_deliveries_in_order ON webhook_deliveries (webhook, buy, event_seq, seq) WHERE status = 'pending';
DROP INDEX webhook_deliveries_due;
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook, due_at, event_seq) WHERE status = 'pending';
DROP INDEX webhook_deliveries_dead;
CREATE INDEX webhook_deliveries_dead ON webhook_deliveries (webhook, event_seq) WHERE status = 'dead';
