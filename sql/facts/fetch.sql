-- Single rows of one file by number: the candidates of a repeated key.
SELECT file_row_number, {columns}
FROM read_parquet($files, hive_partitioning = false, union_by_name = false, file_row_number = true)
WHERE file_row_number BETWEEN $first AND $last AND file_row_number IN ({rows})
ORDER BY file_row_number
