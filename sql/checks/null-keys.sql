-- Rows with a NULL in a part of the key, by partition and source.
SELECT
    json_object('partition', s.partition, 'source', s.source)::VARCHAR AS subject,
    coalesce(sum(s.rows), 0)::BIGINT AS rows_total,
    coalesce(sum(s.key_null), 0)::BIGINT AS rows_bad,
    json_object('null_keys', coalesce(sum(s.key_null), 0)::BIGINT)::VARCHAR AS measures
FROM policy LEFT JOIN slice AS s ON s.judged
GROUP BY s.partition, s.source
ORDER BY s.partition, s.source
