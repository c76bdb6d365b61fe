package store

import "testing"

func TestAddressed(t *testing.T) {
	for path, want := range map[string]string{
		"s3://k:s@bucket/tx": "s3://xxxxx@bucket/tx: s3:// addresses are not read here, only files and folders that this machine sees: copy or mount them, and name that path",
		"https://u:s@h/tx":   "https://xxxxx@h/tx: https:// is no store of files, for a web server does not list them: name the bucket that they lie in (s3://, gs:// or azblob://BUCKET/FOLDER), or download them and name their folder",
		"GS://bucket/tx":     "GS://bucket/tx: gs:// addresses are not read here, only files and folders that this machine sees: copy or mount them, and name that path",
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

func TestKnown(t *testing.T) {
	for written, want := range map[string]string{
		"s3a://lake/tx/a b.parquet": "s3://lake/tx/a b.parquet",
		"s3n://lake":                "s3://lake",
		"gs://lake/tx":              "gs://lake/tx",
		"abfss://lake@account.dfs.core.windows.net/tx/a@b.parquet": "azblob://lake/tx/a@b.parquet",
		"wasbs://lake@account.blob.core.windows.net/tx":            "azblob://lake/tx",
		"WASB://lake@account.blob.core.windows.net/tx":             "azblob://lake/tx",
		"azblob://lake/tx":                        "azblob://lake/tx",
		"abfss://account.dfs.core.windows.net/tx": "",
		"hdfs://nn/tx":                            "",
		"/data/tx":                                "",
	} {
		if got, known := Known(written); known != (want != "") || known && got != want {
			t.Errorf("Known(%q) = %q, %v; want %q", written, got, known, want)
		}
	}
}
