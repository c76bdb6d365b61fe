-- Partitions that are there, of the view or of each source, and hold no row. One whose footers were not all read is not known
-- to be empty.
SELECT
    json_object('partition', d.partition, 'source', d.source, 'object', d.object)::VARCHAR AS subject,
    (d.partition_id IS NOT NULL)::BIGINT AS rows_total,
    coalesce(d.rows = 0, false)::BIGINT AS rows_bad,
    json_object('files', coalesce(d.files, 0))::VARCHAR AS measures
FROM policy LEFT JOIN presence AS d
    ON d.present AND d.emptiable AND d.judged AND NOT d.open AND (d.rows > 0 OR d.files_unread = 0)
ORDER BY d.partition_id, d.source, d.object
