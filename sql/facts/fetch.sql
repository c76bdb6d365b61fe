-- Single rows of one file by number: the candidates of a repeated key. The numbers themselves prune row groups; the range keeps the engine from
-- the pages of the one before the first number, which the list alone has it open where that number begins a row group.
SELECT file_row_number, {columns}
FROM read_parquet($files, hive_partitioning = false, union_by_name = false, file_row_number = true){names}
WHERE file_row_number IN ({rows}) AND file_row_number BETWEEN $first AND $last
ORDER BY file_row_number
