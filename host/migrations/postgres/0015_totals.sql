-- The delivery of packages on platforms that count only totals since the start of a flight, as it stood at the last reading of each day.
CREATE TABLE delivery_totals (
    buy               TEXT NOT NULL,
    platform          TEXT NOT NULL,
    package           TEXT NOT NULL,
    -- In UTC, as 2026-12-01.
    day               TEXT NOT NULL,
    at                BIGINT NOT NULL,
    impressions       BIGINT NOT NULL,
    spend             BIGINT NOT NULL,
    clicks            BIGINT,
    video_completions BIGINT,
    PRIMARY KEY (buy, platform, package, day)
);
