-- What is taken out of sight keeps its row: receipts, the audit log and old revisions name it, and its id is never given again.
ALTER TABLE area ADD COLUMN removed_ms INTEGER;
ALTER TABLE node ADD COLUMN removed_ms INTEGER;

-- A sound whose file was removed because nothing needs it any more; what it was is still told.
ALTER TABLE audio_object ADD COLUMN removed_ms INTEGER;
-- When a track last asked for it.
ALTER TABLE audio_object ADD COLUMN used_ms INTEGER;
