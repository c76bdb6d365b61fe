WITH {{.Rows}},
placed AS (
  -- A condition on the file alone is asked once for a page of its rows, and not row by row: whole keys are told apart below.
  SELECT *, {{.Group}} AS once_per, {{if .Grouped}}{{.Hash}}{{else}}if({{.Whole}}, {{.Hash}}){{end}} AS key_hash
  FROM timed
  WHERE file IS NOT NULL{{if .Grouped}} AND {{.Whole}}{{end}}
),
{{- if not .Grouped}}
counted AS (
  -- Whatever repeats has a hash that does. The rows of such a hash are fetched and told apart by their real keys: a hash of two keys costs a
  -- reading of their rows, and grouping by numbers takes half of what grouping by texts does.
  SELECT {{.Few}} AS few, count({{.Few}}) AS rows_of{{if .Ranged}}, bool_or(wanted) AS wanted{{end}},
    bitwise_or_agg(bitwise_left_shift(BIGINT '1', CAST(file % 60 AS integer))) AS file_bits
  FROM placed
  {{- if gt .Buckets 1}}
  WHERE bitwise_and(key_hash, {{.BucketMask}}) = {{.Bucket}}
  {{- end}}
  GROUP BY {{.Few}}
  HAVING count({{.Few}}) > 1
)
SELECT {{.FewHash}}, BIGINT '0', BIGINT '0', rows_of, file_bits
FROM counted
{{- if .Ranged}}
WHERE wanted
{{- end}}
{{- else}}
grouped AS (
  -- By the real key, not by its hash.
  SELECT {{.KeyNames}}, once_per, arbitrary(key_hash) AS key_hash, count(*) AS rows_of, bool_or(wanted) AS wanted,
    bitwise_or_agg(bitwise_left_shift(BIGINT '1', CAST(file % 60 AS integer))) AS file_bits
    {{- if .Twins}}, array_agg(e) FILTER (WHERE e IS NOT NULL) AS events{{end}}
  FROM placed
  {{- if gt .Buckets 1}}
  WHERE bitwise_and(key_hash, {{.BucketMask}}) = {{.Bucket}}
  {{- end}}
  GROUP BY {{.KeyNames}}, once_per
),
keyed AS (
  SELECT {{.KeyNames}}, arbitrary(key_hash) AS key_hash, count(*) AS groups, sum(rows_of) AS rows_of, max(rows_of) AS most, bool_or(wanted) AS wanted, bitwise_or_agg(file_bits) AS file_bits
    {{- if .Twins}}, flatten(array_agg(events) FILTER (WHERE events IS NOT NULL)) AS events{{end}}
  FROM grouped GROUP BY {{.KeyNames}}
),
told AS (
  SELECT *, wanted AND (most > 1
    {{- if .Twins}} OR groups > 1 AND rows_of <= {{.MaxTwinRows}} AND any_match(events, a -> any_match(events, b -> contains(ARRAY[{{.Twins}}], b - a))){{end}}) AS candidate
  FROM keyed
)
SELECT CASE WHEN candidate THEN key_hash END, count_if(wanted AND groups > 1), count_if(wanted AND groups = 1), CAST(sum(rows_of) AS bigint),
  bitwise_or_agg(file_bits)
FROM told
GROUP BY 1
{{- end}}
