-- Who let a recording of theirs be used in the speech data set. A row is there only where somebody agreed: of other
-- speakers nothing is kept. It is about the bytes that were uploaded, in whichever revisions of the bulletin they are.
CREATE TABLE recording_consent (
    bulletin_id     TEXT NOT NULL REFERENCES bulletin (id) ON DELETE CASCADE,
    -- SHA-256 of the uploaded file.
    upload_hash     TEXT NOT NULL,
    -- Name and, where staff gave it, village or dialect; both empty again after a withdrawal.
    speaker         TEXT NOT NULL,
    place           TEXT NOT NULL,
    -- By: a user's id, or `operator`.
    noted_ms        INTEGER NOT NULL,
    noted_by        TEXT NOT NULL,
    withdrawn_ms    INTEGER,
    withdrawn_by    TEXT,
    PRIMARY KEY (bulletin_id, upload_hash)
) STRICT;

CREATE INDEX recording_consent_by_upload ON recording_consent (upload_hash);

-- What makes the speakers' ids of the data set: one secret for the whole installation, made with the first export.
CREATE TABLE speech_data_secret (
    id              INTEGER PRIMARY KEY CHECK (id = 1),
    secret          BLOB NOT NULL
) STRICT;

-- What was measured on a recording when it was mastered, and done to it. Levels in dB of full scale.
CREATE TABLE recording_report (
    upload_hash         TEXT PRIMARY KEY,
    original_ms         INTEGER NOT NULL,
    duration_ms         INTEGER NOT NULL,
    trimmed_start_ms    INTEGER NOT NULL,
    trimmed_end_ms      INTEGER NOT NULL,
    speech_dbfs         REAL NOT NULL,
    noise_dbfs          REAL,
    gate_db             REAL NOT NULL,
    clipped_ratio       REAL NOT NULL
) STRICT;
