found AS (
  -- What this program knows of each file, by its name without what all names begin with, and what its rows are judged by. A map is looked up
  -- once for all rows of a page of a file; a join would send each row to another node.
  SELECT t.*, t."$path" AS "read path",
    element_at(CAST(json_parse({{.Files}}) AS map(varchar, row(file bigint, rules bigint, known_by bigint))),
      if(starts_with(t."$path", {{.Prefix}}), substr(t."$path", {{.From}}))) AS "read as"
  FROM {{.Table}} t
  {{- if .Where}}
  WHERE {{.Where}}
  {{- end}}
),
ruled AS (
  SELECT *, element_at(CAST(json_parse({{.Rules}}) AS array(row(path_source varchar, reading bigint, stale_before bigint, unreferenced boolean, part bigint,
    part_start bigint, part_end bigint, snapshot_end bigint, partition_id bigint, filed_by_event boolean, wanted boolean))), "read as".rules) AS "read by"
  FROM found
),
read AS (
  SELECT t."read path" AS at_path, t."read as".file AS file, t."read as".known_by AS known_by, {{.Source}} AS source
  {{- range .Fields}}, t."read by".{{.}} AS {{.}}{{end}}
  {{- range .Columns}},
    {{.Expression}} AS {{.Name}}
  {{- end}}
  FROM ruled t
),
timed AS (
  -- A time before 1980 or ten years after as_of is a placeholder, and no time.
  SELECT *, CASE WHEN e0 BETWEEN {{.SentinelBefore}} AND {{.SentinelAfter}} THEN e0 END AS e,
    CASE WHEN i0 BETWEEN {{.SentinelBefore}} AND {{.SentinelAfter}} THEN i0 END AS i
  FROM read
)
