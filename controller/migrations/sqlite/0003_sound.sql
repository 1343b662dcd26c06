-- Finished sounds and uploaded recordings (their bytes are files), and the recipes that made sounds.

CREATE TABLE audio_object (
    hash            TEXT PRIMARY KEY,
    size_bytes      INTEGER NOT NULL,
    duration_ms     INTEGER NOT NULL,
    codec           TEXT NOT NULL,
    loudness_lufs   REAL,
    true_peak_dbtp  REAL,
    created_ms      INTEGER NOT NULL
) STRICT;

-- Same text, voice and settings: same object, not made again.
CREATE TABLE speech_recipe (
    recipe          TEXT PRIMARY KEY,
    object_hash     TEXT NOT NULL REFERENCES audio_object (hash),
    created_ms      INTEGER NOT NULL
) STRICT;

-- Uploaded recordings as they came; their bytes are files.
CREATE TABLE upload (
    hash            TEXT PRIMARY KEY,
    size_bytes      INTEGER NOT NULL,
    file_name       TEXT NOT NULL,
    uploaded_by     TEXT NOT NULL,
    created_ms      INTEGER NOT NULL
) STRICT;
