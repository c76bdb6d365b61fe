-- Rows outside the partition that holds them, by partition and source. Where a partition's date means arrival, a row is
-- judged by its ingest time, whether it has an event time or not.
WITH counted AS (
    SELECT
        s.partition,
        s.source,
        s.misfiled_before,
        s.misfiled_after,
        s.misfiled_undated,
        s.own_column_differs,
        s.misfiled_before + s.misfiled_after + s.misfiled_undated + s.own_column_differs AS rows_bad,
        s.rows - s.event_null - s.event_unparsed - s.event_sentinel
            + if(p.partition_of = 'ingested_at', s.ingested_only, 0) AS rows_placed
    FROM slice AS s CROSS JOIN policy AS p
    WHERE s.judged
)
SELECT
    json_object('partition', c.partition, 'source', c.source)::VARCHAR AS subject,
    coalesce(sum(greatest(c.rows_placed, c.rows_bad)), 0)::BIGINT AS rows_total,
    coalesce(sum(c.rows_bad), 0)::BIGINT AS rows_bad,
    json_object(
        'before_rows', coalesce(sum(c.misfiled_before), 0)::BIGINT,
        'after_rows', coalesce(sum(c.misfiled_after), 0)::BIGINT,
        'undated_rows', coalesce(sum(c.misfiled_undated), 0)::BIGINT,
        'own_column_rows', coalesce(sum(c.own_column_differs), 0)::BIGINT)::VARCHAR AS measures
FROM policy LEFT JOIN counted AS c ON true
GROUP BY c.partition, c.source
ORDER BY c.partition, c.source
