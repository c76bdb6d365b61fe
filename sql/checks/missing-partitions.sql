-- Partitions that the calendar demands, of the view or of each source, and that are not there. Open ones are not demanded yet.
SELECT
    json_object('partition', d.partition, 'source', d.source, 'object', d.object)::VARCHAR AS subject,
    (d.partition_id IS NOT NULL)::BIGINT AS rows_total,
    coalesce(NOT d.present, false)::BIGINT AS rows_bad,
    '{}' AS measures
FROM policy LEFT JOIN presence AS d ON d.expected AND d.judged AND NOT d.open
ORDER BY d.partition_id, d.source, d.object
