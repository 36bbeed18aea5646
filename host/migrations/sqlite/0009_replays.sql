-- What one principal may hear of, in the order in which it happened: a replay of it walks along this, and not through everybody's events.
CREATE INDEX events_by_principal ON events (principal, at, seq);
