-- Who did what, when, to what. Written in the transaction of the deed; never changed, never deleted.

CREATE TABLE audit (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms           INTEGER NOT NULL,
    -- NULL: the operator at the machine.
    actor_id        TEXT,
    actor_name      TEXT NOT NULL,
    address         TEXT,
    -- `thing.deed`, such as bulletin.approved.
    action          TEXT NOT NULL,
    subject_id      TEXT NOT NULL,
    -- Path of the area that it concerns; NULL: the whole installation.
    area_path       TEXT,
    -- Short JSON objects.
    before          TEXT,
    after           TEXT
) STRICT;

CREATE INDEX audit_by_subject ON audit (subject_id, id);
CREATE INDEX audit_by_area ON audit (area_path, id);

CREATE TRIGGER audit_stays_unchanged BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is never changed');
END;

CREATE TRIGGER audit_stays_whole BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'nothing is deleted from the audit log');
END;
