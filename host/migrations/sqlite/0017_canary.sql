-- A release may get a share of the calls beside the one that serves.

-- The share in per cent. NULL: the release serves.
ALTER TABLE activations ADD COLUMN percent INTEGER;
-- When it takes over, if it has done well until then.
ALTER TABLE activations ADD COLUMN promote_at INTEGER;
