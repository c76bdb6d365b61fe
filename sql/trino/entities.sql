WITH {{.Rows}},
hashed AS (
  SELECT *, coalesce(snapshot_end, e) AS stated
    {{- if .Writers}}, {{.WriterHash}} AS w_hash,
    e IS NOT NULL AND i IS NOT NULL AND i - e >= {{.LeastLag}} AND i - e < {{.MostLag}} AND {{.WholeWriter}} AS tells{{end}}
  FROM timed
  WHERE file IS NOT NULL
),
grouped AS (
  -- The newest event of each entity at or before as_of, and some rows of each writer and source.
  SELECT {{if and .Entities .Writers}}grouping({{.FirstWriter}}) = 0{{else if .Writers}}true{{else}}false{{end}} AS is_writer
    {{- if .Entities}}, {{.EntityNames}}, max(CASE WHEN stated <= {{.AsOf}} THEN stated END) AS newest, count(stated) AS stated{{end}}
    {{- if .Writers}}, {{.WriterNames}}, source,
    {{if .AllRows}}array_agg(DISTINCT ARRAY[0, file, e, i]) FILTER (WHERE tells)
    {{- else}}min_by(ARRAY[{{.RowHash}}, file, e, i], {{.RowHash}}, {{.RowsOfWriter}}) FILTER (WHERE tells AND w_hash < {{.WriterLimit}}){{end}} AS sample,
    {{if .Entities}}if(grouping({{.FirstWriter}}) = 0, arbitrary(w_hash)){{else}}arbitrary(w_hash){{end}} AS w_hash{{end}}
  FROM hashed
  GROUP BY GROUPING SETS ({{if .Entities}}({{.EntityNames}}){{end}}{{if and .Entities .Writers}}, {{end}}{{if .Writers}}({{.WriterNames}}, source){{end}})
)
SELECT is_writer{{if .Writers}}, source, w_hash, json_format(CAST(flatten(array_agg(sample)) AS json)){{range .WriterTexts}}, {{.}}{{end}}{{else}}, NULL, NULL, NULL{{end}}
  {{- if .Entities}}, count(newest), count_if(newest IS NULL), min(newest)
  {{- if .Expires}}, count_if(newest < {{.Limit}}), count_if(newest < {{.SureBefore}}), count_if(newest < {{.MaybeBefore}} OR newest > {{.AheadAfter}}),
  json_format(CAST(histogram({{.Quarter}}) FILTER (WHERE newest IS NOT NULL AND {{.Quarter}} BETWEEN -{{.Near}} AND {{.Near}} - 1) AS json)){{end}}{{end}}
FROM grouped
WHERE {{if .Writers}}is_writer AND sample IS NOT NULL{{else}}false{{end}}{{if .Entities}} OR NOT is_writer AND stated > 0 AND {{.WholeEntity}}{{end}}
GROUP BY is_writer{{if .Writers}}, source, w_hash, {{.WriterNames}}{{end}}
