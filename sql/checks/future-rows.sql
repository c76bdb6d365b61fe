-- Rows later than they could have been known, by partition and source. A partition that begins after as_of is not
-- judged, but a file in it that existed at as_of holds nothing else: all its rows count, by the footer. A row without an
-- event time is judged by its ingest time.
WITH counted AS (
    SELECT
        s.partition,
        s.source,
        s.rows - s.event_null - s.event_unparsed - s.event_sentinel + s.ingested_only AS rows_total,
        s.future_ingested,
        s.future_as_of,
        0::BIGINT AS after_as_of_partition,
        s.newest_future_us
    FROM slice AS s
    WHERE s.judged
    UNION ALL
    SELECT p.partition, '', p.rows_before_as_of, 0, 0, p.rows_before_as_of, NULL
    FROM partition AS p
    WHERE p.in_range AND p.after_as_of AND p.rows_before_as_of > 0
)
SELECT
    json_object('partition', c.partition, 'source', c.source)::VARCHAR AS subject,
    coalesce(sum(c.rows_total), 0)::BIGINT AS rows_total,
    coalesce(sum(c.future_ingested + c.future_as_of + c.after_as_of_partition), 0)::BIGINT AS rows_bad,
    json_object(
        'after_ingest_rows', coalesce(sum(c.future_ingested), 0)::BIGINT,
        'after_as_of_rows', coalesce(sum(c.future_as_of), 0)::BIGINT,
        'after_as_of_partition_rows', coalesce(sum(c.after_as_of_partition), 0)::BIGINT,
        'newest_event_time_us', max(c.newest_future_us))::VARCHAR AS measures
FROM policy LEFT JOIN counted AS c ON true
GROUP BY c.partition, c.source
ORDER BY c.partition, c.source
