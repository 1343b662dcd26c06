-- What was sent to nodes and what they said.

-- The latest signed document of each audience: 'a:lam-dong', 'n:cum-loa-1', 'keys'.
CREATE TABLE plan_epoch (
    audience        TEXT PRIMARY KEY,
    epoch           INTEGER NOT NULL,
    -- Of the signed bytes, as nodes report it.
    digest          BLOB NOT NULL,
    -- Of what was compiled, without epoch and times: unchanged content is not signed again.
    content_digest  BLOB NOT NULL,
    envelope        BLOB NOT NULL,
    expires_ms      INTEGER NOT NULL,
    updated_ms      INTEGER NOT NULL
) STRICT;

CREATE TABLE node_presence (
    node_id         TEXT PRIMARY KEY REFERENCES node (id) ON DELETE CASCADE,
    online          INTEGER NOT NULL CHECK (online IN (0, 1)),
    boot_id         TEXT NOT NULL,
    connection      INTEGER NOT NULL,
    changed_ms      INTEGER NOT NULL
) STRICT;

-- The last word of each node: its state report and its health report as they came (CBOR), with what lists show.
CREATE TABLE node_report (
    node_id         TEXT PRIMARY KEY REFERENCES node (id) ON DELETE CASCADE,
    seen_ms         INTEGER NOT NULL,
    firmware        TEXT,
    clock           TEXT,
    storage         TEXT,
    objects_ready   INTEGER,
    objects_fetching INTEGER,
    state           BLOB,
    state_ms        INTEGER,
    health          BLOB,
    health_ms       INTEGER
) STRICT;

-- The last few health reports of each node, for its page.
CREATE TABLE node_health (
    node_id         TEXT NOT NULL REFERENCES node (id) ON DELETE CASCADE,
    received_ms     INTEGER NOT NULL,
    health          BLOB NOT NULL,
    PRIMARY KEY (node_id, received_ms)
) STRICT, WITHOUT ROWID;

-- What became of each occurrence on each node. A node numbers its receipts; a board that was replaced begins again at
-- 1, therefore the occurrence is part of the key. Items and bulletins are not referenced: a receipt is a fact even if
-- they are gone.
CREATE TABLE receipt (
    node_id             TEXT NOT NULL REFERENCES node (id),
    number              INTEGER NOT NULL,
    occurrence_id       TEXT NOT NULL,
    item_id             TEXT NOT NULL,
    bulletin_id         TEXT NOT NULL,
    revision            INTEGER NOT NULL,
    nominal_start_ms    INTEGER NOT NULL,
    outcome             TEXT NOT NULL CHECK (outcome IN ('played', 'partial', 'missed')),
    reason              TEXT,
    started_ms          INTEGER,
    played_ms           INTEGER,
    clock               TEXT NOT NULL,
    written_ms          INTEGER NOT NULL,
    received_ms         INTEGER NOT NULL,
    PRIMARY KEY (node_id, number, occurrence_id)
) STRICT;

CREATE INDEX receipt_by_bulletin ON receipt (bulletin_id, nominal_start_ms);
CREATE INDEX receipt_by_time ON receipt (nominal_start_ms);
