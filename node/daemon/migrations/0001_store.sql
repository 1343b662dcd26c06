-- What a node must still know after a power cut. Instants are milliseconds since 1970; hashes and digests are raw bytes.

-- Single values: the owner of this store, the number of boots, the clock's floor, the next receipt's number.
CREATE TABLE meta (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- One row for each slot in which a document was ever applied. The row outlives its document: it guards against replay.
CREATE TABLE slot (
    name TEXT NOT NULL PRIMARY KEY,      -- keys | node | plan/{area}
    sequence INTEGER NOT NULL,           -- 64 bits, unsigned, as two's complement
    digest BLOB NOT NULL CHECK (length(digest) = 16),
    envelope BLOB,                       -- NULL: forgotten
    applied_at_ms INTEGER,
    path TEXT,                           -- areas, widest first, joined by '/'
    CHECK ((envelope IS NULL) = (applied_at_ms IS NULL) AND (envelope IS NULL) = (path IS NULL))
) STRICT;

-- What sounds, or is about to.
CREATE TABLE intent (
    occurrence BLOB NOT NULL PRIMARY KEY CHECK (length(occurrence) = 16),
    item TEXT NOT NULL,
    revision INTEGER NOT NULL,
    bulletin TEXT NOT NULL,
    nominal_ms INTEGER NOT NULL,
    started_ms INTEGER
) STRICT;

-- Receipts that the controller has not acknowledged, as CBOR.
CREATE TABLE receipt (
    number INTEGER NOT NULL PRIMARY KEY,
    cbor BLOB NOT NULL
) STRICT;

-- Occurrences that have ended.
CREATE TABLE ledger (
    nominal_ms INTEGER NOT NULL,
    item TEXT NOT NULL,
    revision INTEGER NOT NULL,
    sounded INTEGER NOT NULL,            -- 1: the receipt tells of a sound
    PRIMARY KEY (nominal_ms, item, revision)
) STRICT, WITHOUT ROWID;
