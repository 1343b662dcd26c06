-- Who signs in, with which rights. (`user` is a reserved word in PostgreSQL, hence the plural.)

CREATE TABLE users (
    id              TEXT PRIMARY KEY,
    login           TEXT NOT NULL UNIQUE,
    display_name    TEXT NOT NULL,
    -- Whose administrators look after this person; NULL: those of the whole installation.
    home_area_id    TEXT REFERENCES area (id),
    -- argon2id in PHC form; NULL until the person has chosen a passphrase.
    passphrase_hash TEXT,
    disabled_ms     INTEGER,
    created_ms      INTEGER NOT NULL
) STRICT;

CREATE TABLE role_grant (
    user_id     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    role        TEXT NOT NULL CHECK (role IN ('author', 'approver', 'technician', 'admin')),
    -- NULL: the whole installation.
    area_id     TEXT REFERENCES area (id),
    -- Bulletin classes with commas between.
    classes     TEXT NOT NULL
) STRICT;

CREATE UNIQUE INDEX role_grant_once ON role_grant (user_id, role, COALESCE(area_id, ''));

CREATE TABLE session (
    -- SHA-256 of the cookie's secret, lower-case hex.
    token_hash  TEXT PRIMARY KEY,
    id          TEXT NOT NULL UNIQUE,
    user_id     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_ms  INTEGER NOT NULL,
    seen_ms     INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    address     TEXT,
    user_agent  TEXT
) STRICT;

CREATE INDEX session_by_user ON session (user_id);

CREATE TABLE sign_in_link (
    token_hash  TEXT PRIMARY KEY,
    user_id     TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    created_ms  INTEGER NOT NULL,
    expires_ms  INTEGER NOT NULL,
    used_ms     INTEGER
) STRICT;

CREATE INDEX sign_in_link_by_user ON sign_in_link (user_id);
