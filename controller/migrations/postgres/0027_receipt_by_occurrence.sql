-- Who asks what became of one planned start finds its receipts without reading all others.
CREATE INDEX receipt_by_occurrence ON receipt (occurrence_id, node_id);
