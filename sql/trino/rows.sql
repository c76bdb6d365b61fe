files AS (
  -- What this program knows of each file, and what its rows are judged by.
  SELECT * FROM UNNEST(CAST(json_parse({{.Files}}) AS array(row(path varchar, file bigint, path_source varchar, reading bigint, known_by bigint,
    stale_before bigint, unreferenced boolean, part bigint, part_start bigint, part_end bigint, snapshot_end bigint, partition_id bigint,
    filed_by_event boolean, wanted boolean))))
),
read AS (
  SELECT f.*, t."$path" AS at_path, {{.Source}} AS source
  {{- range .Columns}},
    {{.Expression}} AS {{.Name}}
  {{- end}}
  FROM {{.Table}} t LEFT JOIN files f ON t."$path" = f.path
  {{- if .Where}}
  WHERE {{.Where}}
  {{- end}}
),
timed AS (
  -- A time before 1980 or ten years after as_of is a placeholder, and no time.
  SELECT *, CASE WHEN e0 BETWEEN {{.SentinelBefore}} AND {{.SentinelAfter}} THEN e0 END AS e,
    CASE WHEN i0 BETWEEN {{.SentinelBefore}} AND {{.SentinelAfter}} THEN i0 END AS i
  FROM read
)
