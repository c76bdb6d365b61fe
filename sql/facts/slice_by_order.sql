-- One slice of a large file that has a column file_row_number of its own: rows are counted off, which reads those before.
SELECT {columns}
FROM read_parquet($files, hive_partitioning = false, union_by_name = false){names}
LIMIT ($last - $first + 1) OFFSET $first
