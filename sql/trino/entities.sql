WITH {{.Rows}},
hashed AS (
  SELECT *, coalesce(snapshot_end, e) AS stated
    {{- if .Writers}}{{if not .AllRows}}, {{.WriterHash}} AS w_hash{{end}},
    e IS NOT NULL AND i IS NOT NULL AND i - e >= {{.LeastLag}} AND i - e < {{.MostLag}} AND {{.WholeWriter}} AS tells{{end}}
  FROM timed
  WHERE file IS NOT NULL
  {{- if gt .Buckets 1}} AND bitwise_and({{.BucketHash}}, {{.BucketMask}}) = {{.Bucket}}{{end}}
),
{{- if .Writers}}
told AS (
  SELECT *, CASE WHEN tells{{if not .AllRows}} AND w_hash < {{.WriterLimit}}{{end}} THEN {{.Row}} END AS told
  FROM hashed
),
{{- end}}
{{- define "sample"}}{{if .AllRows}}array_agg(DISTINCT told) FILTER (WHERE told IS NOT NULL){{else}}min(told, {{.RowsOfWriter}}) FILTER (WHERE told IS NOT NULL){{end}} AS sample,
    {{if .AllRows}}BIGINT '0'{{else}}arbitrary(w_hash){{end}} AS w_hash{{end}}
{{- if .Coded}}
by_entity AS (
  -- Who stamps rows is their entity: all is grouped once, and rows of a sample end in the number of their source.
  SELECT {{.EntityNames}}, max(CASE WHEN stated <= {{.AsOf}} THEN stated END) AS newest, count(stated) AS stated, min(told, {{.RowsOfWriter}}) FILTER (WHERE told IS NOT NULL) AS sample
  FROM told
  GROUP BY {{.EntityNames}}
),
grouped AS (
  SELECT t.*, CAST(NULL AS varchar) AS source, {{.WriterHash}} AS w_hash, is_writer
  FROM by_entity t CROSS JOIN UNNEST(if(sample IS NULL, ARRAY[false], ARRAY[false, true])) AS u(is_writer)
)
{{- else if .Same}}
by_source AS (
  -- Who stamps rows is their entity: all is grouped once.
  SELECT {{.EntityNames}}, source, max(CASE WHEN stated <= {{.AsOf}} THEN stated END) AS newest, count(stated) AS stated, {{template "sample" .}}
  FROM told
  GROUP BY {{.EntityNames}}, source
),
grouped AS (
  SELECT grouping(source) = 0 AS is_writer, {{.EntityNames}}, source, max(newest) AS newest, sum(stated) AS stated,
    arbitrary(sample) FILTER (WHERE sample IS NOT NULL) AS sample, arbitrary(w_hash) AS w_hash
  FROM by_source
  GROUP BY GROUPING SETS (({{.EntityNames}}), ({{.EntityNames}}, source))
)
{{- else}}
grouped AS (
  -- The newest event of each entity at or before as_of, and some rows of each writer and source.
  SELECT {{if and .Entities .Writers}}grouping({{.FirstWriter}}) = 0{{else if .Writers}}true{{else}}false{{end}} AS is_writer
    {{- if .Entities}}, {{.EntityNames}}, max(CASE WHEN stated <= {{.AsOf}} THEN stated END) AS newest, count(stated) AS stated{{end}}
    {{- if .Writers}}, {{.WriterNames}}, source, {{template "sample" .}}{{end}}
  FROM {{if .Writers}}told{{else}}hashed{{end}}
  GROUP BY GROUPING SETS ({{if .Entities}}({{.EntityNames}}){{end}}{{if and .Entities .Writers}}, {{end}}{{if .Writers}}({{.WriterNames}}, source){{end}})
)
{{- end}},
split AS (
  SELECT *{{if .Writers}}, if(is_writer, w_hash) AS writer_hash{{range $i, $text := .WriterTexts}}, if(is_writer, {{$text}}) AS writer_{{$i}}{{end}}, if(is_writer, source) AS writer_source{{end}}
  FROM grouped
  WHERE {{if .Writers}}is_writer AND sample IS NOT NULL{{else}}false{{end}}{{if .Entities}} OR NOT is_writer AND stated > 0 AND {{.WholeEntity}}{{end}}
)
SELECT is_writer{{if .Writers}}, writer_source, writer_hash, to_base64(reduce(flatten(array_agg(sample) FILTER (WHERE is_writer)), X'', (s, x) -> concat(s, x), s -> s)){{range $i, $text := .WriterTexts}}, writer_{{$i}}{{end}}{{else}}, NULL, NULL, NULL{{end}}
  {{- if .Entities}}, count(newest), count_if(NOT is_writer AND newest IS NULL), min(newest)
  {{- if .Expires}}, count_if(newest < {{.Limit}}), count_if(newest < {{.SureBefore}}), count_if(newest < {{.MaybeBefore}} OR newest > {{.AheadAfter}}),
  {{.BinsBegin}}histogram({{.Quarter}}) FILTER (WHERE newest IS NOT NULL AND {{.Quarter}} BETWEEN -{{.Near}} AND {{.Near}} - 1){{.BinsEnd}}{{end}}{{end}}
FROM split
GROUP BY is_writer{{if .Writers}}, writer_source, writer_hash{{range $i, $text := .WriterTexts}}, writer_{{$i}}{{end}}{{end}}
