-- Single rows of one file that has a column file_row_number of its own: rows are counted off.
SELECT numbered.*
FROM (
    SELECT row_number() OVER () - 1 AS row_number, {columns}
    FROM read_parquet($files, hive_partitioning = false, union_by_name = false){names}
) AS numbered
WHERE numbered.row_number IN ({rows}) AND numbered.row_number BETWEEN $first AND $last
ORDER BY numbered.row_number
