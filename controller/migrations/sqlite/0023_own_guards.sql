-- What the board's own configuration forbids, as it last said (CBOR, protocol::timeline::OwnGuards); NULL: nothing.
ALTER TABLE node_report ADD COLUMN own_guards BLOB;
