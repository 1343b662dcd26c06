-- When and where bulletins sound. A schedule is an item of the plans of its targets.

CREATE TABLE schedule (
    id              TEXT PRIMARY KEY,
    bulletin_id     TEXT NOT NULL REFERENCES bulletin (id),
    -- Either one instant or a repeating five-field pattern.
    at_ms           INTEGER,
    cron            TEXT,
    -- The zone in which staff wrote the time, for showing it again.
    zone            TEXT NOT NULL,
    valid_from_ms   INTEGER,
    valid_until_ms  INTEGER,
    start_within_ms INTEGER NOT NULL,
    created_ms      INTEGER NOT NULL,
    created_by      TEXT NOT NULL,
    cancelled_ms    INTEGER,
    cancelled_by    TEXT,
    CHECK ((at_ms IS NULL) <> (cron IS NULL))
) STRICT;

CREATE INDEX schedule_by_bulletin ON schedule (bulletin_id);
CREATE INDEX schedule_active ON schedule (cancelled_ms, at_ms);

CREATE TABLE schedule_target (
    schedule_id     TEXT NOT NULL REFERENCES schedule (id) ON DELETE CASCADE,
    area_id         TEXT REFERENCES area (id),
    node_id         TEXT REFERENCES node (id),
    CHECK ((area_id IS NULL) <> (node_id IS NULL))
) STRICT;

CREATE UNIQUE INDEX schedule_target_once
    ON schedule_target (schedule_id, COALESCE(area_id, ''), COALESCE(node_id, ''));
CREATE INDEX schedule_target_by_area ON schedule_target (area_id);
CREATE INDEX schedule_target_by_node ON schedule_target (node_id);
