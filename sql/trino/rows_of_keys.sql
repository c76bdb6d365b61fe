WITH {{.Rows}},
placed AS (
  SELECT *, {{.Hash}} AS key_hash
  FROM timed
  WHERE file IS NOT NULL AND {{.Whole}}
)
SELECT key_hash, file, source, e0, i0
{{- range .Fetched}},
  {{.}}
{{- end}}
FROM placed
WHERE key_hash IN ({{.Hashes}})
