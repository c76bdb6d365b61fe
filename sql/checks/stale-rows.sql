-- Rows that had expired at their reference instant, by partition and source. A snapshot is judged once a partition:
-- its newest event time against its end, for idle entities are normal in it and a stuck feed is not.
WITH by_row AS (
    SELECT
        s.partition,
        s.source,
        sum(s.rows - s.event_null - s.event_unparsed - s.event_sentinel - s.stale_unreferenced)::BIGINT AS rows_total,
        sum(s.stale)::BIGINT AS rows_bad,
        sum(s.stale_unreferenced)::BIGINT AS unreferenced,
        min(s.oldest_stale_us) AS oldest_us,
        NULL::BIGINT AS age_us
    FROM slice AS s, policy AS p
    WHERE s.judged AND p.partition_of <> 'snapshot'
    GROUP BY s.partition, s.source
),
newest AS (
    SELECT s.partition, max(s.newest_known_us) AS newest_us, sum(s.rows)::BIGINT AS row_count
    FROM slice AS s
    GROUP BY s.partition
),
by_snapshot AS (
    SELECT
        d.partition,
        '' AS source,
        1::BIGINT AS rows_total,
        -- A closed partition's end is never after as_of.
        (n.newest_us IS NULL OR d.end_us - n.newest_us > greatest(p.ttl_us, d.end_us - d.start_us))::BIGINT AS rows_bad,
        0::BIGINT AS unreferenced,
        n.newest_us AS oldest_us,
        d.end_us - n.newest_us AS age_us
    FROM partition AS d
    INNER JOIN newest AS n ON n.partition = d.partition
    CROSS JOIN policy AS p
    WHERE p.partition_of = 'snapshot' AND d.judged AND NOT d.open AND d.start_us IS NOT NULL AND n.row_count > 0
),
counted AS (
    SELECT * FROM by_row
    UNION ALL
    SELECT * FROM by_snapshot
)
SELECT
    json_object('partition', c.partition, 'source', c.source)::VARCHAR AS subject,
    coalesce(greatest(c.rows_total, c.rows_bad), 0)::BIGINT AS rows_total,
    coalesce(c.rows_bad, 0)::BIGINT AS rows_bad,
    json_object(
        'oldest_event_time_us', c.oldest_us,
        'unreferenced_rows', coalesce(c.unreferenced, 0),
        'age_seconds', c.age_us / 1e6)::VARCHAR AS measures
FROM policy LEFT JOIN counted AS c ON true
ORDER BY c.partition, c.source
