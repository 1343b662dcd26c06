-- Which voice spoke a track, and why not the preferred one: a stable code with words in both languages.
ALTER TABLE track ADD COLUMN spoken_by TEXT;
ALTER TABLE track ADD COLUMN instead_code TEXT;
ALTER TABLE track ADD COLUMN instead_vi TEXT;
ALTER TABLE track ADD COLUMN instead_en TEXT;
