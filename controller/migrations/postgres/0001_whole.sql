-- The whole database as migration 0023 of SQLite has it. From 0024 on the two go in step: the same tables and columns
-- under the same number.
--
-- Instants are milliseconds since 1970 in columns named `_ms`; ids are text of a-z, 0-9 and inner hyphens. Numbers are
-- BIGINT and flags 0 or 1, as SQLite has them, so that one set of queries serves both. Texts are compared by their bytes
-- (COLLATE "C"): paths of areas are ranges of texts, whatever the collation of the database is.

-- Areas of any depth and the nodes that stand in them.

CREATE TABLE area (
    id          TEXT COLLATE "C" PRIMARY KEY,
    parent_id   TEXT COLLATE "C" REFERENCES area (id),
    -- Ids from the root to this area: '/tinh/xa/thon/'. A subtree is the half-open range of texts that begin so.
    path        TEXT COLLATE "C" NOT NULL UNIQUE,
    name        TEXT COLLATE "C" NOT NULL,
    level       TEXT COLLATE "C" NOT NULL,
    -- Language tags with commas between, the preferred first; '' inherits from the parent.
    languages   TEXT COLLATE "C" NOT NULL DEFAULT '',
    -- IANA name; NULL inherits from the parent.
    zone        TEXT COLLATE "C",
    created_ms  BIGINT NOT NULL,
    -- What is taken out of sight keeps its row: receipts, the audit log and old revisions name it, and its id is never given again.
    removed_ms BIGINT
);

CREATE INDEX area_by_parent ON area (parent_id);

CREATE TABLE node (
    id                      TEXT COLLATE "C" PRIMARY KEY,
    area_id                 TEXT COLLATE "C" NOT NULL REFERENCES area (id),
    name                    TEXT COLLATE "C" NOT NULL,
    -- The maker's serial number of the board, where staff know it.
    serial                  TEXT COLLATE "C",
    state                   TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'enrolled', 'revoked')),
    volume_percent          BIGINT NOT NULL CHECK (volume_percent BETWEEN 0 AND 100),
    -- SHA-256 of the certificate's DER, lower-case hex: the one certificate that this node may show.
    certificate_fingerprint TEXT COLLATE "C",
    -- Its serial number, lower-case hex: what the broker knows it by.
    certificate_serial      TEXT COLLATE "C",
    certificate_expires_ms  BIGINT,
    enrolled_ms             BIGINT,
    revoked_ms              BIGINT,
    created_ms              BIGINT NOT NULL,
    removed_ms BIGINT
);

CREATE INDEX node_by_area ON node (area_id);

-- One token a node at a time. The secret is on its way to the board; only its public half is here.
CREATE TABLE enrolment_token (
    node_id     TEXT COLLATE "C" PRIMARY KEY REFERENCES node (id) ON DELETE CASCADE,
    verifier    BYTEA NOT NULL,
    serial      TEXT COLLATE "C",
    created_ms  BIGINT NOT NULL,
    expires_ms  BIGINT NOT NULL,
    -- Set when a board has enrolled with it, with what it was given: the same request, sent again because the answer
    -- was lost, gets the same answer.
    used_ms     BIGINT,
    csr_sha256  BYTEA,
    answer      BYTEA
);

-- Who signs in, with which rights. (`user` is a reserved word in PostgreSQL, hence the plural.)

CREATE TABLE users (
    id              TEXT COLLATE "C" PRIMARY KEY,
    login           TEXT COLLATE "C" NOT NULL UNIQUE,
    display_name    TEXT COLLATE "C" NOT NULL,
    -- Whose administrators look after this person; NULL: those of the whole installation.
    home_area_id    TEXT COLLATE "C" REFERENCES area (id),
    -- argon2id in PHC form; NULL until the person has chosen a passphrase.
    passphrase_hash TEXT COLLATE "C",
    disabled_ms     BIGINT,
    created_ms      BIGINT NOT NULL
);

CREATE TABLE role_grant (
    user_id     TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role        TEXT COLLATE "C" NOT NULL CHECK (role IN ('author', 'approver', 'technician', 'admin')),
    -- NULL: the whole installation.
    area_id     TEXT COLLATE "C" REFERENCES area (id),
    -- Bulletin classes with commas between.
    classes     TEXT COLLATE "C" NOT NULL
);

CREATE UNIQUE INDEX role_grant_once ON role_grant (user_id, role, COALESCE(area_id, ''));

CREATE TABLE session (
    -- SHA-256 of the cookie's secret, lower-case hex.
    token_hash  TEXT COLLATE "C" PRIMARY KEY,
    id          TEXT COLLATE "C" NOT NULL UNIQUE,
    user_id     TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_ms  BIGINT NOT NULL,
    seen_ms     BIGINT NOT NULL,
    expires_ms  BIGINT NOT NULL,
    address     TEXT COLLATE "C",
    user_agent  TEXT COLLATE "C",
    -- Whether the session began with a one-time link that has not been used to set a passphrase yet: shortly after it began,
    -- such a session may set one without giving the old.
    by_link BIGINT NOT NULL DEFAULT 0 CHECK (by_link IN (0, 1))
);

CREATE INDEX session_by_user ON session (user_id);

CREATE TABLE sign_in_link (
    token_hash  TEXT COLLATE "C" PRIMARY KEY,
    user_id     TEXT COLLATE "C" NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_ms  BIGINT NOT NULL,
    expires_ms  BIGINT NOT NULL,
    used_ms     BIGINT
);

CREATE INDEX sign_in_link_by_user ON sign_in_link (user_id);

-- Finished sounds and uploaded recordings (their bytes are files), and the recipes that made sounds.

CREATE TABLE audio_object (
    hash            TEXT COLLATE "C" PRIMARY KEY,
    size_bytes      BIGINT NOT NULL,
    duration_ms     BIGINT NOT NULL,
    codec           TEXT COLLATE "C" NOT NULL,
    loudness_lufs   DOUBLE PRECISION,
    true_peak_dbtp  DOUBLE PRECISION,
    created_ms      BIGINT NOT NULL,
    -- A sound whose file was removed because nothing needs it any more; what it was is still told.
    removed_ms BIGINT,
    -- When a track last asked for it.
    used_ms BIGINT
);

-- Same text, voice and settings: same object, not made again.
CREATE TABLE speech_recipe (
    recipe          TEXT COLLATE "C" PRIMARY KEY,
    object_hash     TEXT COLLATE "C" NOT NULL REFERENCES audio_object (hash),
    created_ms      BIGINT NOT NULL
);

-- Uploaded recordings as they came; their bytes are files.
CREATE TABLE upload (
    hash            TEXT COLLATE "C" PRIMARY KEY,
    size_bytes      BIGINT NOT NULL,
    file_name       TEXT COLLATE "C" NOT NULL,
    uploaded_by     TEXT COLLATE "C" NOT NULL,
    created_ms      BIGINT NOT NULL
);

-- Bulletins, their revisions, and each revision's tracks.

CREATE TABLE bulletin (
    id                  TEXT COLLATE "C" PRIMARY KEY,
    area_id             TEXT COLLATE "C" NOT NULL REFERENCES area (id),
    latest_revision     BIGINT NOT NULL,
    -- The approved revision that plans carry; NULL when none does.
    on_air_revision     BIGINT,
    created_ms          BIGINT NOT NULL,
    withdrawn_ms        BIGINT
);

CREATE INDEX bulletin_by_area ON bulletin (area_id, id);

CREATE TABLE revision (
    bulletin_id     TEXT COLLATE "C" NOT NULL REFERENCES bulletin (id) ON DELETE CASCADE,
    revision        BIGINT NOT NULL,
    state           TEXT COLLATE "C" NOT NULL
        CHECK (state IN ('draft', 'submitted', 'approved', 'rejected', 'withdrawn', 'superseded')),
    title           TEXT COLLATE "C" NOT NULL,
    body            TEXT COLLATE "C" NOT NULL,
    category        TEXT COLLATE "C" NOT NULL,
    class           TEXT COLLATE "C" NOT NULL CHECK (class IN ('normal', 'priority', 'emergency')),
    created_ms      BIGINT NOT NULL,
    edited_ms       BIGINT NOT NULL,
    submitted_ms    BIGINT,
    submitted_by    TEXT COLLATE "C",
    decided_ms      BIGINT,
    decided_by      TEXT COLLATE "C",
    -- Why it was rejected, or the approver's remark.
    decision_note   TEXT COLLATE "C",
    -- SHA-256 of what was approved, lower-case hex.
    decided_digest  TEXT COLLATE "C",
    PRIMARY KEY (bulletin_id, revision)
);

CREATE INDEX revision_by_state ON revision (state, bulletin_id);

-- Everybody who wrote any part of a revision: they never approve it. No reference: the operator is not in `users`.
CREATE TABLE revision_author (
    bulletin_id     TEXT COLLATE "C" NOT NULL,
    revision        BIGINT NOT NULL,
    user_id         TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (bulletin_id, revision, user_id),
    FOREIGN KEY (bulletin_id, revision) REFERENCES revision (bulletin_id, revision) ON DELETE CASCADE
);

CREATE TABLE track (
    id                  TEXT COLLATE "C" PRIMARY KEY,
    bulletin_id         TEXT COLLATE "C" NOT NULL,
    revision            BIGINT NOT NULL,
    position            BIGINT NOT NULL,
    language            TEXT COLLATE "C" NOT NULL,
    source              TEXT COLLATE "C" NOT NULL CHECK (source IN ('speech', 'recording')),
    -- speech: what is spoken, by whom, how fast; NULL voice and speed: the configured ones.
    body                TEXT COLLATE "C",
    voice               TEXT COLLATE "C",
    words_per_minute    BIGINT,
    -- recording: SHA-256 of the uploaded file, and the name it had.
    upload_hash         TEXT COLLATE "C",
    file_name           TEXT COLLATE "C",
    -- The mastered sound, once made.
    object_hash         TEXT COLLATE "C" REFERENCES audio_object (hash),
    -- Which voice spoke a track, and why not the preferred one: a stable code with words in both languages.
    spoken_by TEXT COLLATE "C",
    instead_code TEXT COLLATE "C",
    instead_vi TEXT COLLATE "C",
    instead_en TEXT COLLATE "C",
    -- Digest of the words that a track was read with; '' for none. NULL: not spoken yet, or a recording.
    words_digest TEXT COLLATE "C",
    UNIQUE (bulletin_id, revision, language),
    CHECK ((source = 'speech' AND body IS NOT NULL) OR (source = 'recording' AND upload_hash IS NOT NULL)),
    FOREIGN KEY (bulletin_id, revision) REFERENCES revision (bulletin_id, revision) ON DELETE CASCADE
);

CREATE INDEX track_by_object ON track (object_hash);
-- For the sweeper, which asks of each recording whether a track names it.
CREATE INDEX track_by_upload ON track (upload_hash);

-- The work of making a track's sound.
CREATE TABLE speech_job (
    track_id            TEXT COLLATE "C" PRIMARY KEY REFERENCES track (id) ON DELETE CASCADE,
    state               TEXT COLLATE "C" NOT NULL CHECK (state IN ('queued', 'running', 'done', 'failed')),
    progress_percent    BIGINT NOT NULL DEFAULT 0 CHECK (progress_percent BETWEEN 0 AND 100),
    -- A stable code with words in both languages, when it failed.
    error_code          TEXT COLLATE "C",
    error_vi            TEXT COLLATE "C",
    error_en            TEXT COLLATE "C",
    attempts            BIGINT NOT NULL DEFAULT 0,
    -- Before this instant it is not taken: what stood in its way gets time to pass.
    not_before_ms       BIGINT NOT NULL DEFAULT 0,
    -- Higher goes first: emergencies before the rest.
    urgency             BIGINT NOT NULL DEFAULT 0,
    created_ms          BIGINT NOT NULL,
    updated_ms          BIGINT NOT NULL
);

CREATE INDEX speech_job_queue ON speech_job (state, urgency DESC, created_ms);

-- When and where bulletins sound. A schedule is an item of the plans of its targets.

CREATE TABLE schedule (
    id              TEXT COLLATE "C" PRIMARY KEY,
    bulletin_id     TEXT COLLATE "C" NOT NULL REFERENCES bulletin (id),
    -- Either one instant or a repeating five-field pattern.
    at_ms           BIGINT,
    cron            TEXT COLLATE "C",
    -- The zone in which staff wrote the time, for showing it again.
    zone            TEXT COLLATE "C" NOT NULL,
    valid_from_ms   BIGINT,
    valid_until_ms  BIGINT,
    start_within_ms BIGINT NOT NULL,
    created_ms      BIGINT NOT NULL,
    created_by      TEXT COLLATE "C" NOT NULL,
    cancelled_ms    BIGINT,
    cancelled_by    TEXT COLLATE "C",
    -- Local dates with commas between: '2026-12-25,2027-01-01'; '' for none.
    excluded_dates TEXT COLLATE "C" NOT NULL DEFAULT '',
    -- How often in one session, with how much silence between; NULL: once.
    rounds BIGINT CHECK (rounds BETWEEN 2 AND 10),
    gap_ms BIGINT CHECK (gap_ms BETWEEN 1000 AND 600000),
    after_interruption TEXT COLLATE "C" NOT NULL DEFAULT 'drop' CHECK (after_interruption IN ('drop', 'resume', 'restart')),
    CHECK ((at_ms IS NULL) <> (cron IS NULL))
);

CREATE INDEX schedule_by_bulletin ON schedule (bulletin_id);
CREATE INDEX schedule_active ON schedule (cancelled_ms, at_ms);

CREATE TABLE schedule_target (
    schedule_id     TEXT COLLATE "C" NOT NULL REFERENCES schedule (id) ON DELETE CASCADE,
    area_id         TEXT COLLATE "C" REFERENCES area (id),
    node_id         TEXT COLLATE "C" REFERENCES node (id),
    CHECK ((area_id IS NULL) <> (node_id IS NULL))
);

CREATE UNIQUE INDEX schedule_target_once
    ON schedule_target (schedule_id, COALESCE(area_id, ''), COALESCE(node_id, ''));
CREATE INDEX schedule_target_by_area ON schedule_target (area_id);
CREATE INDEX schedule_target_by_node ON schedule_target (node_id);

-- What was sent to nodes and what they said.

-- The latest signed document of each audience: 'a:lam-dong', 'n:cum-loa-1', 'keys'.
CREATE TABLE plan_epoch (
    audience        TEXT COLLATE "C" PRIMARY KEY,
    epoch           BIGINT NOT NULL,
    -- Of the signed bytes, as nodes report it.
    digest          BYTEA NOT NULL,
    -- Of what was compiled, without epoch and times: unchanged content is not signed again.
    content_digest  BYTEA NOT NULL,
    envelope        BYTEA NOT NULL,
    expires_ms      BIGINT NOT NULL,
    updated_ms      BIGINT NOT NULL
);

CREATE TABLE node_presence (
    node_id         TEXT COLLATE "C" PRIMARY KEY REFERENCES node (id) ON DELETE CASCADE,
    online          BIGINT NOT NULL CHECK (online IN (0, 1)),
    boot_id         TEXT COLLATE "C" NOT NULL,
    connection      BIGINT NOT NULL,
    changed_ms      BIGINT NOT NULL
);

-- The last word of each node: its state report and its health report as they came (CBOR), with what lists show.
CREATE TABLE node_report (
    node_id         TEXT COLLATE "C" PRIMARY KEY REFERENCES node (id) ON DELETE CASCADE,
    seen_ms         BIGINT NOT NULL,
    firmware        TEXT COLLATE "C",
    clock           TEXT COLLATE "C",
    storage         TEXT COLLATE "C",
    objects_ready   BIGINT,
    objects_fetching BIGINT,
    state           BYTEA,
    state_ms        BIGINT,
    health          BYTEA,
    health_ms       BIGINT,
    -- What the board's own configuration forbids, as it last said (CBOR, protocol::timeline::OwnGuards); NULL: nothing.
    own_guards BYTEA
);

-- The last few health reports of each node, for its page.
CREATE TABLE node_health (
    node_id         TEXT COLLATE "C" NOT NULL REFERENCES node (id) ON DELETE CASCADE,
    received_ms     BIGINT NOT NULL,
    health          BYTEA NOT NULL,
    PRIMARY KEY (node_id, received_ms)
);

-- What became of each occurrence on each node. A node numbers its receipts; a board that was replaced begins again at
-- 1, therefore the occurrence is part of the key. Items and bulletins are not referenced: a receipt is a fact even if
-- they are gone.
CREATE TABLE receipt (
    node_id             TEXT COLLATE "C" NOT NULL REFERENCES node (id),
    number              BIGINT NOT NULL,
    occurrence_id       TEXT COLLATE "C" NOT NULL,
    item_id             TEXT COLLATE "C" NOT NULL,
    bulletin_id         TEXT COLLATE "C" NOT NULL,
    revision            BIGINT NOT NULL,
    nominal_start_ms    BIGINT NOT NULL,
    outcome             TEXT COLLATE "C" NOT NULL CHECK (outcome IN ('played', 'partial', 'missed')),
    reason              TEXT COLLATE "C",
    started_ms          BIGINT,
    played_ms           BIGINT,
    clock               TEXT COLLATE "C" NOT NULL,
    written_ms          BIGINT NOT NULL,
    received_ms         BIGINT NOT NULL,
    -- What shows a hole or a change in a node's receipts. NULL in what was kept before.
    -- First 16 bytes of SHA-256 over the receipt as it was sent; what the next one names.
    digest BYTEA CHECK (length(digest) = 16),
    -- Digest of the receipt before it, as it names it; NULL in the first one.
    previous BYTEA CHECK (length(previous) = 16),
    -- Whether it came under a signature of the node's own key that was right.
    signed BIGINT NOT NULL DEFAULT 0 CHECK (signed IN (0, 1)),
    PRIMARY KEY (node_id, number, occurrence_id)
);

CREATE INDEX receipt_by_bulletin ON receipt (bulletin_id, nominal_start_ms);
CREATE INDEX receipt_by_time ON receipt (nominal_start_ms);

-- Who did what, when, to what. Written in the transaction of the deed; never changed, never deleted.

CREATE TABLE audit (
    id              BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    at_ms           BIGINT NOT NULL,
    -- NULL: the operator at the machine.
    actor_id        TEXT COLLATE "C",
    actor_name      TEXT COLLATE "C" NOT NULL,
    address         TEXT COLLATE "C",
    -- `thing.deed`, such as bulletin.approved.
    action          TEXT COLLATE "C" NOT NULL,
    subject_id      TEXT COLLATE "C" NOT NULL,
    -- Path of the area that it concerns; NULL: the whole installation.
    area_path       TEXT COLLATE "C",
    -- Short JSON objects.
    before          TEXT COLLATE "C",
    after           TEXT COLLATE "C"
);

CREATE INDEX audit_by_subject ON audit (subject_id, id);
CREATE INDEX audit_by_area ON audit (area_path, id);

CREATE FUNCTION audit_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        RAISE EXCEPTION 'the audit log is never changed';
    END IF;
    RAISE EXCEPTION 'nothing is deleted from the audit log';
END;
$$;

CREATE TRIGGER audit_stays_as_it_is BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
FOR EACH STATEMENT EXECUTE FUNCTION audit_is_kept();

-- Certificates that are good for nothing before their end: of revoked nodes, and of boards that were replaced. For the
-- revocation list of a broker that stands elsewhere. No reference: it outlives its node.
CREATE TABLE revoked_certificate (
    -- Lower-case hex.
    serial      TEXT COLLATE "C" PRIMARY KEY,
    node_id     TEXT COLLATE "C" NOT NULL,
    revoked_ms  BIGINT NOT NULL,
    -- From then on nobody takes it anyway.
    expires_ms  BIGINT NOT NULL
);

-- What each node refused of late, as it reported it: its technician's first question after silence. A report that comes
-- twice is the same row, and so are two that are alike to the millisecond.
CREATE TABLE node_event (
    node_id         TEXT COLLATE "C" NOT NULL REFERENCES node (id) ON DELETE CASCADE,
    event           BYTEA NOT NULL,
    received_ms     BIGINT NOT NULL
);

-- By its digest, for an event may be longer than an index takes.
CREATE UNIQUE INDEX node_event_once ON node_event (node_id, sha256(event));

CREATE INDEX node_event_by_time ON node_event (node_id, received_ms);

-- How an area says its own names and words. They hold in it and below, where no area of its own says them otherwise.

CREATE TABLE lexicon_word (
    id          TEXT COLLATE "C" PRIMARY KEY,
    area_id     TEXT COLLATE "C" NOT NULL REFERENCES area (id),
    -- What texts are matched by, word by word: two writings that match the same are one word.
    match_key   TEXT COLLATE "C" NOT NULL,
    written     TEXT COLLATE "C" NOT NULL,
    spoken      TEXT COLLATE "C" NOT NULL,
    -- Id of a user, or `operator`.
    edited_by   TEXT COLLATE "C" NOT NULL,
    edited_ms   BIGINT NOT NULL,
    UNIQUE (area_id, match_key)
);

-- Who let a recording of theirs be used in the speech data set. A row is there only where somebody agreed: of other
-- speakers nothing is kept. It is about the bytes that were uploaded, in whichever revisions of the bulletin they are.
CREATE TABLE recording_consent (
    bulletin_id     TEXT COLLATE "C" NOT NULL REFERENCES bulletin (id) ON DELETE CASCADE,
    -- SHA-256 of the uploaded file.
    upload_hash     TEXT COLLATE "C" NOT NULL,
    -- Name and, where staff gave it, village or dialect; both empty again after a withdrawal.
    speaker         TEXT COLLATE "C" NOT NULL,
    place           TEXT COLLATE "C" NOT NULL,
    -- By: a user's id, or `operator`.
    noted_ms        BIGINT NOT NULL,
    noted_by        TEXT COLLATE "C" NOT NULL,
    withdrawn_ms    BIGINT,
    withdrawn_by    TEXT COLLATE "C",
    PRIMARY KEY (bulletin_id, upload_hash)
);

CREATE INDEX recording_consent_by_upload ON recording_consent (upload_hash);

-- What makes the speakers' ids of the data set: one secret for the whole installation, made with the first export.
CREATE TABLE speech_data_secret (
    id              BIGINT PRIMARY KEY CHECK (id = 1),
    secret          BYTEA NOT NULL
);

-- What was measured on a recording when it was mastered, and done to it. Levels in dB of full scale.
CREATE TABLE recording_report (
    upload_hash         TEXT COLLATE "C" PRIMARY KEY,
    original_ms         BIGINT NOT NULL,
    duration_ms         BIGINT NOT NULL,
    trimmed_start_ms    BIGINT NOT NULL,
    trimmed_end_ms      BIGINT NOT NULL,
    speech_dbfs         DOUBLE PRECISION NOT NULL,
    noise_dbfs          DOUBLE PRECISION,
    gate_db             DOUBLE PRECISION NOT NULL,
    clipped_ratio       DOUBLE PRECISION NOT NULL
);

-- Orders that silence, given by staff. An order is for its moment: it is sent within a minute or not at all.
CREATE TABLE live_order (
    id              TEXT COLLATE "C" PRIMARY KEY,
    -- The area in whose name it was given.
    area_id         TEXT COLLATE "C" NOT NULL REFERENCES area (id),
    kind            TEXT COLLATE "C" NOT NULL CHECK (kind IN ('stop_all', 'all_clear', 'stop_bulletin')),
    -- Of stop_bulletin.
    bulletin_id     TEXT COLLATE "C" REFERENCES bulletin (id),
    reason          TEXT COLLATE "C" NOT NULL,
    -- By: a user's id, or `operator`.
    given_ms        BIGINT NOT NULL,
    given_by        TEXT COLLATE "C" NOT NULL,
    expires_ms      BIGINT NOT NULL
);

CREATE INDEX live_order_by_time ON live_order (given_ms);

-- The messages of an order, one for each addressee: 'a:da-don' an area and all below it, 'n:cum-1' one node. The rows of an
-- addressee stay, for their epochs rise for ever.
CREATE TABLE live_order_message (
    audience        TEXT COLLATE "C" NOT NULL,
    epoch           BIGINT NOT NULL,
    order_id        TEXT COLLATE "C" NOT NULL REFERENCES live_order (id),
    -- Of a node whose clock is not known: the boot by which it believes the order.
    boot_id         TEXT COLLATE "C",
    -- Signed once; sent again as the same bytes, which a node that has obeyed ignores.
    envelope        BYTEA,
    -- When it was first handed to the broker.
    sent_ms         BIGINT,
    PRIMARY KEY (audience, epoch)
);

CREATE INDEX live_order_message_by_order ON live_order_message (order_id);

-- Which nodes said that they have obeyed.
CREATE TABLE live_order_answer (
    order_id        TEXT COLLATE "C" NOT NULL REFERENCES live_order (id),
    node_id         TEXT COLLATE "C" NOT NULL REFERENCES node (id) ON DELETE CASCADE,
    answered_ms     BIGINT NOT NULL,
    PRIMARY KEY (order_id, node_id)
);

-- What is wrong with a node's receipts, from the receipt with this number on. A hole that is filled leaves.
CREATE TABLE receipt_doubt (
    node_id     TEXT COLLATE "C" NOT NULL REFERENCES node (id) ON DELETE CASCADE,
    number      BIGINT NOT NULL,
    kind        TEXT COLLATE "C" NOT NULL CHECK (kind IN ('hole', 'changed', 'forged', 'unsigned')),
    found_ms    BIGINT NOT NULL,
    PRIMARY KEY (node_id, number, kind)
);

-- What holds in an area beyond its names: how many households live there, and what its loudspeakers never do.
-- NULL says nothing. What holds on a node is the strictest of all areas on its path.

CREATE TABLE area_rules (
    area_id                 TEXT COLLATE "C" PRIMARY KEY REFERENCES area (id),
    households              BIGINT CHECK (households >= 0),
    -- Local times with commas between: '21:00-06:00,11:30-13:30'; '' for none.
    quiet_hours             TEXT COLLATE "C" NOT NULL DEFAULT '',
    normal_minutes_a_day    BIGINT CHECK (normal_minutes_a_day BETWEEN 0 AND 1440),
    priority_minutes_a_day  BIGINT CHECK (priority_minutes_a_day BETWEEN 0 AND 1440),
    sessions_a_day          BIGINT CHECK (sessions_a_day BETWEEN 0 AND 1000),
    longest_session_ms      BIGINT CHECK (longest_session_ms BETWEEN 1 AND 86400000),
    volume_ceiling_percent  BIGINT CHECK (volume_ceiling_percent BETWEEN 0 AND 100),
    -- Whether the area's own priority bulletins go before those from above.
    own_priority_first      BIGINT NOT NULL DEFAULT 0 CHECK (own_priority_first IN (0, 1))
);

-- The calendars that a schedule names: those of the product, and those of areas.
CREATE TABLE schedule_calendar (
    schedule_id     TEXT COLLATE "C" NOT NULL REFERENCES schedule (id) ON DELETE CASCADE,
    calendar        TEXT COLLATE "C" NOT NULL,
    -- 0: it does not sound on the calendar's days. 1: it sounds on these alone.
    only_on         BIGINT NOT NULL CHECK (only_on IN (0, 1)),
    PRIMARY KEY (schedule_id, calendar)
);

CREATE INDEX schedule_calendar_by_calendar ON schedule_calendar (calendar);

-- Calendars that areas keep themselves: days of mourning, festivals, holidays as they were decided.

CREATE TABLE calendar (
    id              TEXT COLLATE "C" PRIMARY KEY,
    area_id         TEXT COLLATE "C" NOT NULL REFERENCES area (id),
    name            TEXT COLLATE "C" NOT NULL,
    edited_by       TEXT COLLATE "C" NOT NULL,
    edited_ms       BIGINT NOT NULL
);

CREATE INDEX calendar_by_area ON calendar (area_id);

-- Its own days, from one local date to another, both included: '2026-12-25'.
CREATE TABLE calendar_days (
    calendar_id     TEXT COLLATE "C" NOT NULL REFERENCES calendar (id) ON DELETE CASCADE,
    first           TEXT COLLATE "C" NOT NULL,
    last            TEXT COLLATE "C" NOT NULL,
    reason          TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (calendar_id, first),
    CHECK (first <= last)
);

-- Calendars whose days are its too: those of the product, and those of areas.
CREATE TABLE calendar_includes (
    calendar_id     TEXT COLLATE "C" NOT NULL REFERENCES calendar (id) ON DELETE CASCADE,
    included        TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (calendar_id, included)
);
