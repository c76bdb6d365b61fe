-- Closed partitions with rows, but few: below $min_rows, or below 10 % of the median of the 14 before them, of which
-- there must be at least 7: of the view, or of the same source. A partition whose footers were not all read is neither
-- judged nor compared with.
WITH history AS (
    SELECT
        d.partition_id,
        d.partition,
        d.source,
        d.object,
        d.judged,
        d.rows AS row_count,
        median(d.rows) OVER before AS median_rows,
        count(*) OVER before AS compared
    FROM presence AS d
    WHERE d.present AND d.comparable AND NOT d.open AND NOT d.after_as_of AND d.start_us IS NOT NULL AND d.rows > 0 AND d.files_unread = 0
    WINDOW before AS (PARTITION BY d.source, d.object ORDER BY d.partition_id ROWS BETWEEN 14 PRECEDING AND 1 PRECEDING)
),
limited AS (
    SELECT
        h.partition_id,
        h.partition,
        h.source,
        h.object,
        h.row_count,
        h.median_rows,
        coalesce($min_rows::BIGINT::DOUBLE, 0.1 * h.median_rows) AS limit_rows
    FROM history AS h
    WHERE h.judged AND ($min_rows::BIGINT IS NOT NULL OR h.compared >= 7)
)
SELECT
    json_object('partition', l.partition, 'source', l.source, 'object', l.object)::VARCHAR AS subject,
    (l.partition_id IS NOT NULL)::BIGINT AS rows_total,
    coalesce(l.row_count < l.limit_rows, false)::BIGINT AS rows_bad,
    json_object('rows', l.row_count, 'limit_rows', l.limit_rows, 'median_rows', l.median_rows)::VARCHAR AS measures
FROM policy LEFT JOIN limited AS l ON true
ORDER BY l.partition_id, l.source, l.object
