-- Emergencies that are given at once. What one says is a bulletin of the same id, revision 1, that no plan carries.
CREATE TABLE alert (
    id              TEXT COLLATE "C" PRIMARY KEY REFERENCES bulletin (id) ON DELETE CASCADE,
    -- The prepared template whose words and sounds it is; NULL: written for itself.
    template_id     TEXT COLLATE "C" REFERENCES bulletin (id),
    status          TEXT COLLATE "C" NOT NULL CHECK (status IN ('actual', 'exercise', 'test')),
    severity        TEXT COLLATE "C" NOT NULL CHECK (severity IN ('minor', 'moderate', 'severe', 'extreme')),
    -- How often it sounds, and the silence between; NULL gap: once.
    rounds          BIGINT NOT NULL,
    gap_ms          BIGINT,
    expires_ms      BIGINT NOT NULL,
    -- Households of its areas when it was given, as far as known; and whether some were not.
    households      BIGINT NOT NULL,
    some_unknown    BIGINT NOT NULL CHECK (some_unknown IN (0, 1)),
    approvers_needed BIGINT NOT NULL,
    -- The alert in whose place this one comes.
    corrects_id     TEXT COLLATE "C" REFERENCES alert (id),
    -- SHA-256 of the form as it was sent, lower-case hex: the same form twice is one alert.
    form_digest     TEXT COLLATE "C" NOT NULL,
    -- By: a user's id, or `operator`.
    created_ms      BIGINT NOT NULL,
    created_by      TEXT COLLATE "C" NOT NULL,
    -- When the last approval that it needs was given: from then on it sounds.
    released_ms     BIGINT,
    returned_ms     BIGINT,
    returned_by     TEXT COLLATE "C",
    returned_note   TEXT COLLATE "C",
    cancelled_ms    BIGINT,
    cancelled_by    TEXT COLLATE "C",
    cancelled_note  TEXT COLLATE "C"
);

CREATE INDEX alert_by_time ON alert (created_ms);
CREATE INDEX alert_by_expiry ON alert (expires_ms);

-- Where it sounds: no area inside another.
CREATE TABLE alert_area (
    alert_id        TEXT COLLATE "C" NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    area_id         TEXT COLLATE "C" NOT NULL REFERENCES area (id),
    PRIMARY KEY (alert_id, area_id)
);

CREATE TABLE alert_approval (
    alert_id        TEXT COLLATE "C" NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    user_id         TEXT COLLATE "C" NOT NULL,
    -- SHA-256 of what was seen and heard, lower-case hex.
    digest          TEXT COLLATE "C" NOT NULL,
    approved_ms     BIGINT NOT NULL,
    PRIMARY KEY (alert_id, user_id)
);

-- Bulletins that are prepared for the hour of need.
CREATE TABLE alert_template (
    bulletin_id     TEXT COLLATE "C" PRIMARY KEY REFERENCES bulletin (id) ON DELETE CASCADE,
    kind            TEXT COLLATE "C" NOT NULL CHECK (kind IN ('storm', 'flood', 'forest_fire', 'evacuation', 'other')),
    severity        TEXT COLLATE "C" NOT NULL CHECK (severity IN ('minor', 'moderate', 'severe', 'extreme'))
);

CREATE TABLE alert_template_approval (
    bulletin_id     TEXT COLLATE "C" NOT NULL REFERENCES alert_template (bulletin_id) ON DELETE CASCADE,
    revision        BIGINT NOT NULL,
    user_id         TEXT COLLATE "C" NOT NULL,
    digest          TEXT COLLATE "C" NOT NULL,
    approved_ms     BIGINT NOT NULL,
    PRIMARY KEY (bulletin_id, revision, user_id)
);

-- The latest signed document of an area's emergencies. A row stays, for its epoch rises for ever.
CREATE TABLE alert_document (
    area_id         TEXT COLLATE "C" PRIMARY KEY,
    epoch           BIGINT NOT NULL,
    -- Of the signed bytes, as nodes report it.
    digest          BYTEA NOT NULL,
    -- Of what was compiled, without epoch and times.
    content_digest  BYTEA NOT NULL,
    envelope        BYTEA NOT NULL,
    expires_ms      BIGINT NOT NULL,
    updated_ms      BIGINT NOT NULL
);

-- Which alerts a document carried: what a node says of a document it says of these.
CREATE TABLE alert_in_document (
    area_id         TEXT COLLATE "C" NOT NULL,
    epoch           BIGINT NOT NULL,
    alert_id        TEXT COLLATE "C" NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    PRIMARY KEY (area_id, epoch, alert_id)
);

-- What each node said of an alert. Instants are the node's own, save `told_ms`, the controller's at its first word.
CREATE TABLE alert_answer (
    alert_id        TEXT COLLATE "C" NOT NULL REFERENCES alert (id) ON DELETE CASCADE,
    node_id         TEXT COLLATE "C" NOT NULL REFERENCES node (id) ON DELETE CASCADE,
    received_ms     BIGINT NOT NULL,
    verified_ms     BIGINT,
    -- Why it was refused: the number of protocol::envelope::Refusal. One that was verified after all counts as verified.
    refusal         BIGINT,
    started_ms      BIGINT,
    told_ms         BIGINT NOT NULL,
    PRIMARY KEY (alert_id, node_id)
);
