-- Single rows of one file by number: the candidates of a repeated key. The numbers themselves prune row groups.
SELECT file_row_number, {columns}
FROM read_parquet($files, hive_partitioning = false, union_by_name = false, file_row_number = true){names}
WHERE file_row_number IN ({rows})
ORDER BY file_row_number
