package store

import "testing"

func TestMask(t *testing.T) {
	for path, want := range map[string]string{
		"data/**/*.parquet":                         "data/**/*.parquet",
		"data/part-?.parquet":                       "data/part-?.parquet",
		"s3://bucket/tx/**":                         "s3://bucket/tx/**",
		"s3://bucket/part-?.parquet":                "s3://bucket/part-?.parquet",
		"s3://KEY:SECRET@bucket/tx":                 "s3://xxxxx@bucket/tx",
		"s3://KEY:SEC/RET@bucket/tx":                "s3://xxxxx@bucket/tx",
		"https://user@host/x":                       "https://xxxxx@host/x",
		"https://host/x?X-Amz-Signature=abc&a=b":    "https://host/x?xxxxx",
		"https://host/x#sig=abc":                    "https://host/x#xxxxx",
		"https://u:p@host:8080/x/day=2026-11-03/*":  "https://xxxxx@host:8080/x/day=2026-11-03/*",
		"gs://bucket":                               "gs://bucket",
		"abfss://container@account.dfs/x":           "abfss://xxxxx@account.dfs/x",
		"/data/s3://odd":                            "/data/s3://odd",
		"postgresql+psycopg://u:p@db/feast?sslkey=": "postgresql+psycopg://xxxxx@db/feast?xxxxx",
	} {
		if got := Mask(path); got != want {
			t.Errorf("Mask(%q) = %q, want %q", path, got, want)
		}
	}
}

func TestAddressed(t *testing.T) {
	for path, want := range map[string]string{
		"s3://k:s@bucket/tx": "s3://xxxxx@bucket/tx: s3:// addresses are not supported yet, only files that this machine sees: copy or mount them, and name that path",
		"GS://bucket/tx":     "GS://bucket/tx: gs:// addresses are not supported yet, only files that this machine sees: copy or mount them, and name that path",
		"file:///data/tx":    "file:///data/tx: a file:// address is not read: write its path, /data/tx",
	} {
		if err := Addressed(path); err == nil || err.Error() != want {
			t.Errorf("Addressed(%q) = %v, want %s", path, err, want)
		}
	}
	for _, path := range []string{"data/x", "/data/s3://odd", "C:/data", "://x", "a b://x"} {
		if err := Addressed(path); err != nil {
			t.Errorf("Addressed(%q) = %v", path, err)
		}
	}
}
