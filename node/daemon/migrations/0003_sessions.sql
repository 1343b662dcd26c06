-- How far a session got, as CBOR, so that it can be taken up again after a power cut. NULL: not far.
ALTER TABLE intent ADD COLUMN progress BLOB;
-- Its class: normal | priority | emergency.
ALTER TABLE intent ADD COLUMN class TEXT NOT NULL DEFAULT 'normal';
-- What of it counts towards the budgets of its day, as CBOR. NULL: nothing.
ALTER TABLE ledger ADD COLUMN aired BLOB;
