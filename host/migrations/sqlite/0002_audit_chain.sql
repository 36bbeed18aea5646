-- Each line of the audit log carries the digest of itself and of the line before it, so that what is changed, taken out or
-- put elsewhere later is found. Lines written before this have none.
ALTER TABLE audit ADD COLUMN chain TEXT NOT NULL DEFAULT '';
