found AS (
  -- What this program knows of each file, by a hash of its name, which is short, and what its rows are judged by. A map is looked up once for
  -- all rows of a page of a file; a join would send each row to another node.
  SELECT t.*, t."$path" AS "read path",
    element_at(CAST(json_parse({{.Files}}) AS map(varchar, row(file bigint, rules bigint{{if .Known}}, known_by bigint{{end}}))),
      to_base64(substr(sha256(to_utf8(t."$path")), 1, {{.NameBytes}}))) AS "read as"
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
  SELECT t."read path" AS at_path, t."read as".file AS file, {{if .Known}}t."read as".known_by{{else}}CAST(NULL AS bigint){{end}} AS known_by, {{.Source}} AS source
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
