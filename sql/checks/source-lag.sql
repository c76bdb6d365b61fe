-- Rows that arrived later than their source's limit, by partition and source. A source without a limit is not judged.
WITH counted AS (
    SELECT s.partition, s.source, s.lag_rows, s.lag_over, o.max_lag_us
    FROM slice AS s
    INNER JOIN source AS o ON o.source = s.source
    WHERE s.judged AND o.max_lag_us IS NOT NULL
)
SELECT
    json_object('partition', c.partition, 'source', c.source)::VARCHAR AS subject,
    coalesce(sum(c.lag_rows), 0)::BIGINT AS rows_total,
    coalesce(sum(c.lag_over), 0)::BIGINT AS rows_bad,
    json_object('limit_seconds', max(c.max_lag_us) / 1e6)::VARCHAR AS measures
FROM policy LEFT JOIN counted AS c ON true
GROUP BY c.partition, c.source
ORDER BY c.partition, c.source
