-- Bulletins, their revisions, and each revision's tracks.

CREATE TABLE bulletin (
    id                  TEXT PRIMARY KEY,
    area_id             TEXT NOT NULL REFERENCES area (id),
    latest_revision     INTEGER NOT NULL,
    -- The approved revision that plans carry; NULL when none does.
    on_air_revision     INTEGER,
    created_ms          INTEGER NOT NULL,
    withdrawn_ms        INTEGER
) STRICT;

CREATE INDEX bulletin_by_area ON bulletin (area_id, id);

CREATE TABLE revision (
    bulletin_id     TEXT NOT NULL REFERENCES bulletin (id) ON DELETE CASCADE,
    revision        INTEGER NOT NULL,
    state           TEXT NOT NULL
        CHECK (state IN ('draft', 'submitted', 'approved', 'rejected', 'withdrawn', 'superseded')),
    title           TEXT NOT NULL,
    body            TEXT NOT NULL,
    category        TEXT NOT NULL,
    class           TEXT NOT NULL CHECK (class IN ('normal', 'priority', 'emergency')),
    created_ms      INTEGER NOT NULL,
    edited_ms       INTEGER NOT NULL,
    submitted_ms    INTEGER,
    submitted_by    TEXT,
    decided_ms      INTEGER,
    decided_by      TEXT,
    -- Why it was rejected, or the approver's remark.
    decision_note   TEXT,
    -- SHA-256 of what was approved, lower-case hex.
    decided_digest  TEXT,
    PRIMARY KEY (bulletin_id, revision)
) STRICT;

CREATE INDEX revision_by_state ON revision (state, bulletin_id);

-- Everybody who wrote any part of a revision: they never approve it. No reference: the operator is not in `users`.
CREATE TABLE revision_author (
    bulletin_id     TEXT NOT NULL,
    revision        INTEGER NOT NULL,
    user_id         TEXT NOT NULL,
    PRIMARY KEY (bulletin_id, revision, user_id),
    FOREIGN KEY (bulletin_id, revision) REFERENCES revision (bulletin_id, revision) ON DELETE CASCADE
) STRICT;

CREATE TABLE track (
    id                  TEXT PRIMARY KEY,
    bulletin_id         TEXT NOT NULL,
    revision            INTEGER NOT NULL,
    position            INTEGER NOT NULL,
    language            TEXT NOT NULL,
    source              TEXT NOT NULL CHECK (source IN ('speech', 'recording')),
    -- speech: what is spoken, by whom, how fast; NULL voice and speed: the configured ones.
    body                TEXT,
    voice               TEXT,
    words_per_minute    INTEGER,
    -- recording: SHA-256 of the uploaded file, and the name it had.
    upload_hash         TEXT,
    file_name           TEXT,
    -- The mastered sound, once made.
    object_hash         TEXT REFERENCES audio_object (hash),
    UNIQUE (bulletin_id, revision, language),
    CHECK ((source = 'speech' AND body IS NOT NULL) OR (source = 'recording' AND upload_hash IS NOT NULL)),
    FOREIGN KEY (bulletin_id, revision) REFERENCES revision (bulletin_id, revision) ON DELETE CASCADE
) STRICT;

CREATE INDEX track_by_object ON track (object_hash);

-- The work of making a track's sound.
CREATE TABLE speech_job (
    track_id            TEXT PRIMARY KEY REFERENCES track (id) ON DELETE CASCADE,
    state               TEXT NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    progress_percent    INTEGER NOT NULL DEFAULT 0 CHECK (progress_percent BETWEEN 0 AND 100),
    -- A stable code with words in both languages, when it failed.
    error_code          TEXT,
    error_vi            TEXT,
    error_en            TEXT,
    attempts            INTEGER NOT NULL DEFAULT 0,
    -- Before this instant it is not taken: what stood in its way gets time to pass.
    not_before_ms       INTEGER NOT NULL DEFAULT 0,
    -- Higher goes first: emergencies before the rest.
    urgency             INTEGER NOT NULL DEFAULT 0,
    created_ms          INTEGER NOT NULL,
    updated_ms          INTEGER NOT NULL
) STRICT;

CREATE INDEX speech_job_queue ON speech_job (state, urgency DESC, created_ms);
