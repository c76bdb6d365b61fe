-- Rows without a usable event time, by partition and source.
SELECT
    json_object('partition', s.partition, 'source', s.source)::VARCHAR AS subject,
    coalesce(sum(s.rows), 0)::BIGINT AS rows_total,
    coalesce(sum(s.event_null + s.event_unparsed + s.event_sentinel), 0)::BIGINT AS rows_bad,
    json_object(
        'null_rows', coalesce(sum(s.event_null), 0)::BIGINT,
        'unparsed_rows', coalesce(sum(s.event_unparsed), 0)::BIGINT,
        'sentinel_rows', coalesce(sum(s.event_sentinel), 0)::BIGINT)::VARCHAR AS measures
FROM policy LEFT JOIN slice AS s ON s.judged
GROUP BY s.partition, s.source
ORDER BY s.partition, s.source
