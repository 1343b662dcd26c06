-- Emergencies that are given at once. What one says is a bulletin of the same id, revision 1, that no plan carries.
CREATE TABLE alert (
    id              TEXT PRIMARY KEY REFERENCES bulletin (id) ON DELETE CASCADE,
    -- The prepared template whose words and sounds it is; NULL: written for itself.
    template_id     TEXT REFERENCES bulletin (id),
    status          TEXT NOT NULL CHECK (status IN ('actual', 'exercise', 'test')),
    severity        TEXT NOT NULL CHECK (severity IN ('minor', 'moderate', 'severe', 'extreme')),
    -- How often it sounds, and the silence between; NULL gap: once.
    rounds          INTEGER NOT NULL,
    gap_ms          INTEGER,
    expires_ms      INTEGER NOT NULL,
    -- Households of its areas when it was given, as far as known; and whether some were not.
    households      INTEGER NOT NULL,
    some_unknown    INTEGER NOT NULL CHECK (some_unknown IN (0, 1)),
    approvers_needed INTEGER NOT NULL,
    -- The alert in whose place this one comes.
    corrects_id     TEXT REFERENCES alert (id),
    -- SHA-256 of the form as it was sent, lower-case hex: the same form twice is one alert.
    form_digest     TEXT NOT NULL,
    -- By: a user's id, or `operator`.
    created_ms      INTEGER NOT NULL,
    created_by      TEXT NOT NULL,
    -- When the last approval that it needs was given: from then on it sounds.
    released_ms     INTEGER,
    returned_ms     INTEGER,
    returned_by     TEXT,
    returned_note   TEXT,
    cancelled_ms    INTEGER,
    cancelled_by    TEXT,
    cancelled_note  TEXT
) STRICT;

CREATE INDEX alert_by_time ON alert (created_ms);
CREATE INDEX alert_by_expiry ON alert (expires_ms);

-- Where it sounds: no area inside another.
CREATE TABLE alert_area (
    alert_id        TEXT NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    area_id         TEXT NOT NULL REFERENCES area (id),
    PRIMARY KEY (alert_id, area_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE alert_approval (
    alert_id        TEXT NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    user_id         TEXT NOT NULL,
    -- SHA-256 of what was seen and heard, lower-case hex.
    digest          TEXT NOT NULL,
    approved_ms     INTEGER NOT NULL,
    PRIMARY KEY (alert_id, user_id)
) STRICT, WITHOUT ROWID;

-- Bulletins that are prepared for the hour of need.
CREATE TABLE alert_template (
    bulletin_id     TEXT PRIMARY KEY REFERENCES bulletin (id) ON DELETE CASCADE,
    kind            TEXT NOT NULL CHECK (kind IN ('storm', 'flood', 'forest_fire', 'evacuation', 'other')),
    severity        TEXT NOT NULL CHECK (severity IN ('minor', 'moderate', 'severe', 'extreme'))
) STRICT;

CREATE TABLE alert_template_approval (
    bulletin_id     TEXT NOT NULL REFERENCES alert_template (bulletin_id) ON DELETE CASCADE,
    revision        INTEGER NOT NULL,
    user_id         TEXT NOT NULL,
    digest          TEXT NOT NULL,
    approved_ms     INTEGER NOT NULL,
    PRIMARY KEY (bulletin_id, revision, user_id)
) STRICT, WITHOUT ROWID;

-- The latest signed document of an area's emergencies. A row stays, for its epoch rises for ever.
CREATE TABLE alert_document (
    area_id         TEXT PRIMARY KEY,
    epoch           INTEGER NOT NULL,
    -- Of the signed bytes, as nodes report it.
    digest          BLOB NOT NULL,
    -- Of what was compiled, without epoch and times.
    content_digest  BLOB NOT NULL,
    envelope        BLOB NOT NULL,
    expires_ms      INTEGER NOT NULL,
    updated_ms      INTEGER NOT NULL
) STRICT;

-- Which alerts a document carried: what a node says of a document it says of these.
CREATE TABLE alert_in_document (
    area_id         TEXT NOT NULL,
    epoch           INTEGER NOT NULL,
    alert_id        TEXT NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    PRIMARY KEY (area_id, epoch, alert_id)
) STRICT, WITHOUT ROWID;

-- What each node said of an alert. Instants are the node's own, save `told_ms`, the controller's at its first word.
CREATE TABLE alert_answer (
    alert_id        TEXT NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    node_id         TEXT NOT NULL REFERENCES node (id) ON DELETE CASCADE,
    received_ms     INTEGER NOT NULL,
    verified_ms     INTEGER,
    -- Why it was refused: the number of protocol::envelope::Refusal. One that was verified after all counts as verified.
    refusal         INTEGER,
    started_ms      INTEGER,
    told_ms         INTEGER NOT NULL,
    PRIMARY KEY (alert_id, node_id)
) STRICT, WITHOUT ROWID;
