-- One pass over whole files of one physical schema: the canonical columns, in file order.
SELECT {columns}
FROM read_parquet($files, hive_partitioning = false, union_by_name = false){names}
