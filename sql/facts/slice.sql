-- One slice of a large file; the bounds on the row number prune its row groups.
SELECT {columns}
FROM read_parquet($files, hive_partitioning = false, union_by_name = false, file_row_number = true){names}
WHERE file_row_number BETWEEN $first AND $last
