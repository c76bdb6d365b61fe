-- One pass over whole files of one physical schema, in any order: each chunk goes to the program from the thread that
-- decoded it, while it is still in that core's cache, and the engine keeps no result.
SELECT count(featureaudit_receive($receiver, file_index, file_row_number, {columns}))
FROM read_parquet($files, hive_partitioning = false, union_by_name = false){names}
