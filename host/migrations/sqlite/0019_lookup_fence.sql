-- Counts how often a lookup was taken or started over: the fencing token of whoever looks it up.
ALTER TABLE lookups ADD COLUMN fence INTEGER NOT NULL DEFAULT 0;
