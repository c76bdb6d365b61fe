-- The age of the newest known event, for each declared source that is expected to be fresh, and for the view unless
-- every source seen is declared: a live stream must not hide a dead batch.
WITH newest AS (
    SELECT s.source, max(s.newest_known_us) AS newest_us
    FROM slice AS s
    GROUP BY s.source
),
judged AS (
    SELECT o.source, o.max_age_us, n.newest_us
    FROM source AS o
    LEFT JOIN newest AS n ON n.source = o.source
    WHERE o.declared AND NOT o.retired AND o.max_age_us IS NOT NULL
    UNION ALL
    SELECT '', p.max_age_us, (SELECT max(n.newest_us) FROM newest AS n)
    FROM policy AS p
    WHERE p.max_age_us IS NOT NULL AND NOT p.all_sources_declared
)
SELECT
    json_object('source', j.source)::VARCHAR AS subject,
    (j.max_age_us IS NOT NULL)::BIGINT AS rows_total,
    (j.max_age_us IS NOT NULL AND (j.newest_us IS NULL OR p.as_of_us - j.newest_us > j.max_age_us))::BIGINT AS rows_bad,
    json_object(
        'newest_event_time_us', j.newest_us,
        'age_seconds', (p.as_of_us - j.newest_us) / 1e6,
        'limit_seconds', j.max_age_us / 1e6)::VARCHAR AS measures
FROM policy AS p LEFT JOIN judged AS j ON true
ORDER BY j.source
