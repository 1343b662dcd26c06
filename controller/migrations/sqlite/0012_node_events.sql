-- What each node refused of late, as it reported it: its technician's first question after silence. A report that comes
-- twice is the same row, and so are two that are alike to the millisecond.
CREATE TABLE node_event (
    node_id         TEXT NOT NULL REFERENCES node (id) ON DELETE CASCADE,
    event           BLOB NOT NULL,
    received_ms     INTEGER NOT NULL,
    PRIMARY KEY (node_id, event)
) STRICT, WITHOUT ROWID;

CREATE INDEX node_event_by_time ON node_event (node_id, received_ms);
