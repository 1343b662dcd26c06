-- What holds in an area beyond its names: how many households live there, and what its loudspeakers never do.
-- NULL says nothing. What holds on a node is the strictest of all areas on its path.

CREATE TABLE area_rules (
    area_id                 TEXT PRIMARY KEY REFERENCES area (id),
    households              INTEGER CHECK (households >= 0),
    -- Local times with commas between: '21:00-06:00,11:30-13:30'; '' for none.
    quiet_hours             TEXT NOT NULL DEFAULT '',
    normal_minutes_a_day    INTEGER CHECK (normal_minutes_a_day BETWEEN 0 AND 1440),
    priority_minutes_a_day  INTEGER CHECK (priority_minutes_a_day BETWEEN 0 AND 1440),
    sessions_a_day          INTEGER CHECK (sessions_a_day BETWEEN 0 AND 1000),
    longest_session_ms      INTEGER CHECK (longest_session_ms BETWEEN 1 AND 86400000),
    volume_ceiling_percent  INTEGER CHECK (volume_ceiling_percent BETWEEN 0 AND 100),
    -- Whether the area's own priority bulletins go before those from above.
    own_priority_first      INTEGER NOT NULL DEFAULT 0 CHECK (own_priority_first IN (0, 1))
) STRICT;
