-- When each document says that it was issued, in milliseconds since 1970: surely past, whatever the clock says. 0: not kept.
ALTER TABLE slot ADD COLUMN issued_at_ms INTEGER NOT NULL DEFAULT 0;
