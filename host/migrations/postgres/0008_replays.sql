-- What one principal may hear of, in the order in which it happened: a replay of it walks along this, and not through everybody's events.
CREATE INDEX events_by_principal ON events (principal, at, seq);
-- The same for the publisher's endpoints, which hear of everybody: in this order, too, where several happened at one moment.
DROP INDEX events_by_time;
CREATE INDEX events_by_time ON events (at, seq);
