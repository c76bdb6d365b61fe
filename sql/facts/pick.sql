-- Many single rows of whole files of one physical schema, in any order: the program says of each chunk which of its rows
-- it wants, and gets these alone.
SELECT count(featureaudit_receive($receiver, file_index, file_row_number, {columns}))
FROM read_parquet($files, hive_partitioning = false, union_by_name = false){names}
WHERE featureaudit_wants($receiver, file_index, file_row_number)
