-- Whole segments by id; the bounds of time are for the index.
SELECT segment_id, format, checksum, directory, body
FROM {table}
WHERE tenant_id = $1 AND min_time BETWEEN $2 AND $3 AND segment_id = ANY($4)
ORDER BY min_time, segment_id
