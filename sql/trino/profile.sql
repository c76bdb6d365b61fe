WITH {{.Rows}},
judged AS (
  -- kind: 0 no usable event time, 1 later than its ingest time, 2 later than it can be known, 3 after as_of, 4 none of these.
  SELECT *, i - e AS lag, CASE
      WHEN e IS NULL THEN 0
      WHEN i - e < {{.Ahead}} THEN 1
      WHEN coalesce(i, e) > known_by THEN 2
      WHEN e > {{.AsOf}} THEN 3
      ELSE 4 END AS kind,
    e0 IS NULL AND i IS NOT NULL AS arrived
  FROM timed
),
filed AS (
  SELECT *, kind IN (1, 2, 4) AS due,
    part > 0 AND (kind IN (1, 2, 4) OR kind = 3 AND filed_by_event{{if .ByIngest}} OR arrived{{end}}) AS is_filed,
    {{if .StaleLag}}i IS NOT NULL AND lag > {{.StaleLag}}{{else}}coalesce(e < stale_before, false){{end}} AS stale,
    lag / 1000000 - if(lag % 1000000 < 0, 1, 0) AS lag_second
  FROM judged
),
binned AS (
  SELECT *, CASE WHEN lag_second < 0 THEN -1 - lag_second ELSE lag_second END AS lag_distance
  FROM filed
),
classed AS (
  -- What a row counts for, as one number: few differ in a file, so that rows are counted by it once and not fact by fact.
  SELECT *, BIGINT '0'{{range $bit, $when := .Flags}}
    + if({{$when}}, BIGINT '{{bit $bit}}', BIGINT '0'){{end}} AS class
  FROM binned
)
SELECT CASE WHEN file IS NULL THEN at_path END AS unknown_path, file, source, class, count(*)
{{- range .Bounds}},
  {{.}}
{{- end}},
  {{.BinsBegin}}histogram(if(lag_second < 0, -1, 0) + if(lag_second < 0, -1, 1) * (CASE
      WHEN lag_distance < {{.FineSeconds}} THEN lag_distance
      WHEN lag_distance < {{.CoarseSeconds}} THEN {{.FineSeconds}} + (lag_distance - {{.FineSeconds}}) / 60
      ELSE {{.LogFrom}} + least(width_bucket(CAST(lag_distance AS double), ARRAY[{{.LogEdges}}]) - 1, {{.LogLast}}) END))
    FILTER (WHERE lag IS NOT NULL){{.BinsEnd}} AS lags,
  {{if .Events}}{{.BinsBegin}}histogram(e / 900000000 - {{.EventBin}}) FILTER (WHERE e IS NOT NULL){{.BinsEnd}}{{else}}CAST(NULL AS varchar){{end}} AS events,
  {{if .Unparsed}}to_hex(substr(min(to_utf8({{.UnparsedText}})) FILTER (WHERE e_unparsed), 1, 64)){{else}}CAST(NULL AS varchar){{end}} AS unparsed
FROM classed
GROUP BY 1, 2, 3, 4
