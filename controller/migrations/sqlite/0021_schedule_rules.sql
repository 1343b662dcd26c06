-- On which days a schedule does not sound, and how it sounds beyond when and where.

-- Local dates with commas between: '2026-12-25,2027-01-01'; '' for none.
ALTER TABLE schedule ADD COLUMN excluded_dates TEXT NOT NULL DEFAULT '';
-- How often in one session, with how much silence between; NULL: once.
ALTER TABLE schedule ADD COLUMN rounds INTEGER CHECK (rounds BETWEEN 2 AND 10);
ALTER TABLE schedule ADD COLUMN gap_ms INTEGER CHECK (gap_ms BETWEEN 1000 AND 600000);
ALTER TABLE schedule ADD COLUMN after_interruption TEXT NOT NULL DEFAULT 'drop'
    CHECK (after_interruption IN ('drop', 'resume', 'restart'));

-- The calendars that a schedule names: those of the product, and those of areas.
CREATE TABLE schedule_calendar (
    schedule_id     TEXT NOT NULL REFERENCES schedule (id) ON DELETE CASCADE,
    calendar        TEXT NOT NULL,
    -- 0: it does not sound on the calendar's days. 1: it sounds on these alone.
    only_on         INTEGER NOT NULL CHECK (only_on IN (0, 1)),
    PRIMARY KEY (schedule_id, calendar)
) STRICT, WITHOUT ROWID;

CREATE INDEX schedule_calendar_by_calendar ON schedule_calendar (calendar);
