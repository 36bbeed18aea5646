-- Whether a buyer has ever booked anything.
CREATE INDEX media_buys_booked ON media_buys (principal) WHERE asked_at IS NOT NULL;
