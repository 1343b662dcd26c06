-- What a node's line carries, as staff say: how fast audio is sent to it, and whether it hears what goes to an area at once.
ALTER TABLE node ADD COLUMN line TEXT COLLATE "C" NOT NULL DEFAULT 'unknown'
    CHECK (line IN ('unknown', 'fibre', 'mobile', 'thin'));
