-- Areas of any depth and the nodes that stand in them.
-- Instants are INTEGER milliseconds since 1970 in columns named `_ms`; ids are text of a-z, 0-9 and inner hyphens.

CREATE TABLE area (
    id          TEXT PRIMARY KEY,
    parent_id   TEXT REFERENCES area (id),
    -- Ids from the root to this area: '/tinh/xa/thon/'. A subtree is the half-open range of texts that begin so.
    path        TEXT NOT NULL UNIQUE,
    name        TEXT NOT NULL,
    level       TEXT NOT NULL,
    -- Language tags with commas between, the preferred first; '' inherits from the parent.
    languages   TEXT NOT NULL DEFAULT '',
    -- IANA name; NULL inherits from the parent.
    zone        TEXT,
    created_ms  INTEGER NOT NULL
) STRICT;

CREATE INDEX area_by_parent ON area (parent_id);

CREATE TABLE node (
    id                      TEXT PRIMARY KEY,
    area_id                 TEXT NOT NULL REFERENCES area (id),
    name                    TEXT NOT NULL,
    -- The maker's serial number of the board, where staff know it.
    serial                  TEXT,
    state                   TEXT NOT NULL CHECK (state IN ('pending', 'enrolled', 'revoked')),
    volume_percent          INTEGER NOT NULL CHECK (volume_percent BETWEEN 0 AND 100),
    -- SHA-256 of the certificate's DER, lower-case hex: the one certificate that this node may show.
    certificate_fingerprint TEXT,
    -- Its serial number, lower-case hex: what the broker knows it by.
    certificate_serial      TEXT,
    certificate_expires_ms  INTEGER,
    enrolled_ms             INTEGER,
    revoked_ms              INTEGER,
    created_ms              INTEGER NOT NULL
) STRICT;

CREATE INDEX node_by_area ON node (area_id);

-- One token a node at a time. The secret is on its way to the board; only its public half is here.
CREATE TABLE enrolment_token (
    node_id     TEXT PRIMARY KEY REFERENCES node (id) ON DELETE CASCADE,
    verifier    BLOB NOT NULL,
    serial      TEXT,
    created_ms  INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    -- Set when a board has enrolled with it, with what it was given: the same request, sent again because the answer
    -- was lost, gets the same answer.
    used_ms     INTEGER,
    csr_sha256  BLOB,
    answer      BLOB
) STRICT;
