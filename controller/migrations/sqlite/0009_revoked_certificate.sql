-- Certificates that are good for nothing before their end: of revoked nodes, and of boards that were replaced. For the
-- revocation list of a broker that stands elsewhere. No reference: it outlives its node.
CREATE TABLE revoked_certificate (
    -- Lower-case hex.
    serial      TEXT PRIMARY KEY,
    node_id     TEXT NOT NULL,
    revoked_ms  INTEGER NOT NULL,
    -- From then on nobody takes it anyway.
    expires_ms  INTEGER NOT NULL
) STRICT;

INSERT INTO revoked_certificate (serial, node_id, revoked_ms, expires_ms)
SELECT certificate_serial, id, COALESCE(revoked_ms, created_ms), certificate_expires_ms FROM node
WHERE state = 'revoked' AND certificate_serial IS NOT NULL AND certificate_expires_ms IS NOT NULL;
