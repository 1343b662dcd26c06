-- How an area says its own names and words. They hold in it and below, where no area of its own says them otherwise.

CREATE TABLE lexicon_word (
    id          TEXT PRIMARY KEY,
    area_id     TEXT NOT NULL REFERENCES area (id),
    -- What texts are matched by, word by word: two writings that match the same are one word.
    match_key   TEXT NOT NULL,
    written     TEXT NOT NULL,
    spoken      TEXT NOT NULL,
    -- Id of a user, or `operator`.
    edited_by   TEXT NOT NULL,
    edited_ms   INTEGER NOT NULL,
    UNIQUE (area_id, match_key)
) STRICT;

-- Digest of the words that a track was read with; '' for none. NULL: not spoken yet, or a recording.
ALTER TABLE track ADD COLUMN words_digest TEXT;
UPDATE track SET words_digest = '' WHERE spoken_by IS NOT NULL;
