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
distant AS (
  SELECT *, CASE WHEN lag_second < 0 THEN -1 - lag_second ELSE lag_second END AS lag_distance
  FROM filed
),
binned AS (
  -- The bin of a far lag as logarithms have it, which may be one off. An array of all edges would say it outright; but what holds an array is
  -- compiled anew for each query, and this is what is computed of every row.
  SELECT *, CASE WHEN lag_distance >= {{.CoarseSeconds}} THEN CAST(floor(ln(lag_distance / {{.CoarseSeconds}}e0) / ln({{.LogBase}})) AS bigint) END AS lag_step
  FROM distant
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
      ELSE {{.LogFrom}} + least({{.LogLast}}, lag_step
        + if(lag_distance >= ceil({{.CoarseSeconds}}e0 * pow({{.LogBase}}, lag_step + 1) - 1e-6), 1, 0) - if(lag_distance < ceil({{.CoarseSeconds}}e0 * pow({{.LogBase}}, lag_step) - 1e-6), 1, 0)) END))
    FILTER (WHERE lag IS NOT NULL){{.BinsEnd}} AS lags,
  {{if .Events}}{{.BinsBegin}}histogram(e / 900000000 - {{.EventBin}}) FILTER (WHERE e IS NOT NULL){{.BinsEnd}}{{else}}CAST(NULL AS varchar){{end}} AS events,
  {{if .Unparsed}}to_hex(substr(min(to_utf8({{.UnparsedText}})) FILTER (WHERE e_unparsed), 1, 64)){{else}}CAST(NULL AS varchar){{end}} AS unparsed
FROM classed
GROUP BY 1, 2, 3, 4
