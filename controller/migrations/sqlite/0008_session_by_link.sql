-- Whether the session began with a one-time link that has not been used to set a passphrase yet: shortly after it began,
-- such a session may set one without giving the old.
ALTER TABLE session ADD COLUMN by_link INTEGER NOT NULL DEFAULT 0 CHECK (by_link IN (0, 1));
