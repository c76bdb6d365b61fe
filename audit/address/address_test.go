package address

import (
	"strings"
	"testing"
)

// TestRedact hides SECRET, and every part of it, in each form in which an address holds one; what is no secret stays.
func TestRedact(t *testing.T) {
	for _, c := range []struct{ ref, want string }{
		{"postgres://u:SECRET@h:5432/db", "postgres://u:xxxxx@h:5432/db"},
		{"postgres://u:SECRET@PW@h/db", "postgres://u:xxxxx@h/db"},
		{"postgres://u:SEC/RET@h/db", "postgres://u:xxxxx@h/db"},
		{"postgres://u:SEC?RET#PW@h/db", "postgres://u:xxxxx@h/db"},
		{"postgres://u:SECRET PW@h/db", "postgres://u:xxxxx@h/db"},
		{"postgres://:SECRET@h/db", "postgres://:xxxxx@h/db"},
		{"postgresql+psycopg://u:SECRET@h/db?sslmode=require", "postgresql+psycopg://u:xxxxx@h/db?sslmode=require"},
		{"postgres:u:SECRET@h/db", "postgres:u:xxxxx@h/db"},
		{"postgres:/u:SECRET@h/db", "postgres:/u:xxxxx@h/db"},
		{"postgres://u@h/db?password=SECRET&sslmode=require", "postgres://u@h/db?password=xxxxx&sslmode=require"},
		{"postgres://u@h/db?PASSWORD=SECRET", "postgres://u@h/db?PASSWORD=xxxxx"},
		{"postgres://u@h/db?pass%77ord=SECRET", "postgres://u@h/db?pass%77ord=xxxxx"},
		{"postgres://u@h/db?sslpassword=SECRET", "postgres://u@h/db?sslpassword=xxxxx"},
		{"host=h user=u password=SECRET dbname=d", "host=h user=u password=xxxxx dbname=d"},
		{"host=h password = 'SEC RET\\' PW' dbname=d", "host=h password = xxxxx dbname=d"},
		{"s3://key:SECRET@bucket/path", "s3://xxxxx@bucket/path"},
		{"https://h/x?X-Amz-Signature=SECRET&a=b", "https://h/x?X-Amz-Signature=xxxxx&a=b"},
		{"DefaultEndpointsProtocol=https;AccountKey=SECRET;EndpointSuffix=x", "DefaultEndpointsProtocol=https;AccountKey=xxxxx;EndpointSuffix=x"},
		{"postgres://u@h/db", "postgres://u@h/db"},
		{"s3://KEY:SEC/RET@bucket/tx", "s3://xxxxx@bucket/tx"},
		{"https://h/x?sv=1&sig=SECRET", "https://h/x?sv=1&sig=xxxxx"},
		{"https://h/x#sig=SECRET", "https://h/x#sig=xxxxx"},
		{"https://u:SECRET@h:8080/x/day=2026-11-03/*", "https://xxxxx@h:8080/x/day=2026-11-03/*"},
		{"data/part-?.parquet", "data/part-?.parquet"},
		{"s3://bucket/part-?.parquet", "s3://bucket/part-?.parquet"},
		{"/data/s3://odd", "/data/s3://odd"},
		{"main:models/a@2.yaml", "main:models/a@2.yaml"},
		{"data/dt=2026-11-01/a.parquet", "data/dt=2026-11-01/a.parquet"},
		{"", ""},
	} {
		got := Redact(c.ref)
		if got != c.want {
			t.Errorf("Redact(%q) = %q, want %q", c.ref, got, c.want)
		}
		for _, part := range []string{"SEC", "RET", "PW"} {
			if strings.Contains(got, part) {
				t.Errorf("Redact(%q) = %q shows %s", c.ref, got, part)
			}
		}
	}
}

func TestText(t *testing.T) {
	got := Text("a.yaml:3: postgres://u:SECRET@h/db and user:x@y: 2 rows of dt=2026-11-01 at 12:30")
	want := "a.yaml:3: postgres://u:xxxxx@h/db and user:x@y: 2 rows of dt=2026-11-01 at 12:30"
	if got != want {
		t.Errorf("Text = %q, want %q", got, want)
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("postgres://u:", "@h/db")
	f.Add("host=h password=", " dbname=d")
	f.Fuzz(func(t *testing.T, before, after string) {
		Redact(before + "x" + after) // must not panic
	})
}
