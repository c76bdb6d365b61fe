-- Many single rows of whole files of one physical schema, as pick.sql gives them, of which none lies beyond a range of numbers: what is known
-- of the row groups' numbers leaves out those beyond, and chunks stay runs of rows.
SELECT count(featureaudit_receive($receiver, file_index, file_row_number, {columns}))
FROM read_parquet($files, hive_partitioning = false, union_by_name = false){names}
WHERE file_row_number BETWEEN $first AND $last AND featureaudit_wants($receiver, file_index, file_row_number)
