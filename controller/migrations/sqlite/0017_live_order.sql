-- Orders that silence, given by staff. An order is for its moment: it is sent within a minute or not at all.
CREATE TABLE live_order (
    id              TEXT PRIMARY KEY,
    -- The area in whose name it was given.
    area_id         TEXT NOT NULL REFERENCES area (id),
    kind            TEXT NOT NULL CHECK (kind IN ('stop_all', 'all_clear', 'stop_bulletin')),
    -- Of stop_bulletin.
    bulletin_id     TEXT REFERENCES bulletin (id),
    reason          TEXT NOT NULL,
    -- By: a user's id, or `operator`.
    given_ms        INTEGER NOT NULL,
    given_by        TEXT NOT NULL,
    expires_ms      INTEGER NOT NULL
) STRICT;

CREATE INDEX live_order_by_time ON live_order (given_ms);

-- The messages of an order, one for each addressee: 'a:da-don' an area and all below it, 'n:cum-1' one node. The rows of an
-- addressee stay, for their epochs rise for ever.
CREATE TABLE live_order_message (
    audience        TEXT NOT NULL,
    epoch           INTEGER NOT NULL,
    order_id        TEXT NOT NULL REFERENCES live_order (id),
    -- Of a node whose clock is not known: the boot by which it believes the order.
    boot_id         TEXT,
    -- Signed once; sent again as the same bytes, which a node that has obeyed ignores.
    envelope        BLOB,
    -- When it was first handed to the broker.
    sent_ms         INTEGER,
    PRIMARY KEY (audience, epoch)
) STRICT;

CREATE INDEX live_order_message_by_order ON live_order_message (order_id);

-- Which nodes said that they have obeyed.
CREATE TABLE live_order_answer (
    order_id        TEXT NOT NULL REFERENCES live_order (id),
    node_id         TEXT NOT NULL REFERENCES node (id) ON DELETE CASCADE,
    answered_ms     INTEGER NOT NULL,
    PRIMARY KEY (order_id, node_id)
) STRICT, WITHOUT ROWID;
