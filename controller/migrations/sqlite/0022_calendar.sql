-- Calendars that areas keep themselves: days of mourning, festivals, holidays as they were decided.

CREATE TABLE calendar (
    id              TEXT PRIMARY KEY,
    area_id         TEXT NOT NULL REFERENCES area (id),
    name            TEXT NOT NULL,
    edited_by       TEXT NOT NULL,
    edited_ms       INTEGER NOT NULL
) STRICT;

CREATE INDEX calendar_by_area ON calendar (area_id);

-- Its own days, from one local date to another, both included: '2026-12-25'.
CREATE TABLE calendar_days (
    calendar_id     TEXT NOT NULL REFERENCES calendar (id) ON DELETE CASCADE,
    first           TEXT NOT NULL,
    last            TEXT NOT NULL,
    reason          TEXT NOT NULL,
    PRIMARY KEY (calendar_id, first),
    CHECK (first <= last)
) STRICT, WITHOUT ROWID;

-- Calendars whose days are its too: those of the product, and those of areas.
CREATE TABLE calendar_includes (
    calendar_id     TEXT NOT NULL REFERENCES calendar (id) ON DELETE CASCADE,
    included        TEXT NOT NULL,
    PRIMARY KEY (calendar_id, included)
) STRICT, WITHOUT ROWID;
