-- What shows a hole or a change in a node's receipts. NULL in what was kept before.
-- First 16 bytes of SHA-256 over the receipt as it was sent; what the next one names.
ALTER TABLE receipt ADD COLUMN digest BLOB CHECK (length(digest) = 16);
-- Digest of the receipt before it, as it names it; NULL in the first one.
ALTER TABLE receipt ADD COLUMN previous BLOB CHECK (length(previous) = 16);
-- Whether it came under a signature of the node's own key that was right.
ALTER TABLE receipt ADD COLUMN signed INTEGER NOT NULL DEFAULT 0 CHECK (signed IN (0, 1));

-- What is wrong with a node's receipts, from the receipt with this number on. A hole that is filled leaves.
CREATE TABLE receipt_doubt (
    node_id     TEXT NOT NULL REFERENCES node (id) ON DELETE CASCADE,
    number      INTEGER NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('hole', 'changed', 'forged', 'unsigned')),
    found_ms    INTEGER NOT NULL,
    PRIMARY KEY (node_id, number, kind)
) STRICT, WITHOUT ROWID;
