-- For the sweeper, which asks of each recording whether a track names it.
CREATE INDEX track_by_upload ON track (upload_hash);
