package trino

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trinodb/trino-go-client/trino"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

// TestOpenRefusesAddresses: no secret goes over a connection that anyone can read, and none stands in an address.
func TestOpenRefusesAddresses(t *testing.T) {
	for name, one := range map[string]struct {
		config Config
		want   string
	}{
		"a password in the clear":  {Config{URL: "http://trino:8080", Password: "s3cret"}, "a password or token would be sent over it: use https"},
		"a token in the clear":     {Config{URL: "http://trino:8080", Token: "s3cret"}, "a password or token would be sent over it: use https"},
		"a user":                   {Config{URL: "https://me:s3cret@trino:8443"}, "it names a user: leave the user out"},
		"no scheme":                {Config{URL: "trino:8080"}, "is no address of a coordinator"},
		"nothing":                  {Config{}, "is no address of a coordinator"},
		"another scheme":           {Config{URL: "trino://host"}, "is no address of a coordinator"},
		"a path":                   {Config{URL: "https://trino:8443/ui"}, "has a path or parameters"},
		"parameters":               {Config{URL: "https://trino:8443?SSLVerification=NONE"}, "has a path or parameters"},
		"a file that is not there": {Config{URL: "https://trino:8443", CAFile: "/nowhere/ca.pem"}, "/nowhere/ca.pem"},
	} {
		c, err := Open(one.config)
		if err == nil {
			_ = c.Close()
			t.Errorf("%s: opened, want an error that says %q", name, one.want)
			continue
		}
		if !contains(err.Error(), one.want) || contains(err.Error(), "s3cret") {
			t.Errorf("%s: error %q, want one that says %q, and no secret", name, err, one.want)
		}
	}
}

// TestADeadServerIsSaidSoSoon: the client's own default is to try for two minutes.
func TestADeadServerIsSaidSoSoon(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := Open(Config{URL: "https://" + address, User: "me", Password: "s3cret", ConnectTimeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	began := time.Now()
	err = c.query(t.Context(), asking{view: "v", step: "describe"}, "SELECT 1", func([]any) error { return nil })
	if err == nil || !contains(err.Error(), "Trino at https://"+address+" does not answer") || contains(err.Error(), "s3cret") {
		t.Errorf("error %v, want one that says that it does not answer, and no secret", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s, want less than 10 s", took)
	}
	var said *Error
	if !errors.As(err, &said) || !said.Retryable() {
		t.Errorf("error %v, want one that another run may be spared", err)
	}
}

// TestWhatIsAskedAgain goes by the server's own kinds of errors.
func TestWhatIsAskedAgain(t *testing.T) {
	for _, one := range []struct {
		kind, name     string
		again, another bool
	}{
		{"EXTERNAL", "HIVE_BAD_DATA", false, false},
		{"EXTERNAL", "HIVE_CANNOT_OPEN_SPLIT", true, true},
		{"EXTERNAL", "HIVE_METASTORE_ERROR", true, true},
		{"USER_ERROR", "SYNTAX_ERROR", false, false},
		{"USER_ERROR", "PERMISSION_DENIED", false, false},
		{"INTERNAL_ERROR", "REMOTE_TASK_ERROR", true, true},
		{"INTERNAL_ERROR", "SERVER_SHUTTING_DOWN", true, true},
		{"INTERNAL_ERROR", "GENERIC_INTERNAL_ERROR", false, true},
		{"INSUFFICIENT_RESOURCES", "QUERY_QUEUE_FULL", true, true},
		{"INSUFFICIENT_RESOURCES", "EXCEEDED_LOCAL_MEMORY_LIMIT", false, true},
	} {
		err := error(&trino.ErrQueryFailed{StatusCode: 200, Reason: &trino.ErrTrino{ErrorType: one.kind, ErrorName: one.name, Message: "why"}})
		if got := again(err); got != one.again {
			t.Errorf("%s %s: asked again %v, want %v", one.kind, one.name, got, one.again)
		}
		if got := retryable(err); got != one.another {
			t.Errorf("%s %s: another run may do %v, want %v", one.kind, one.name, got, one.another)
		}
	}
}

func TestSecret(t *testing.T) {
	file := filepath.Join(t.TempDir(), "password")
	if err := os.WriteFile(file, []byte("from a file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := func(name string) string { return map[string]string{"SET": "from the environment"}[name] }
	for _, one := range []struct{ variable, file, want, fault string }{
		{"", "", "", ""},
		{"SET", "", "from the environment", ""},
		{"", file, "from a file", ""},
		{"UNSET", "", "", "engine.trino.password_env: the environment has no UNSET"},
		{"", "/nowhere", "", "engine.trino.password_file: open /nowhere"},
	} {
		got, err := Secret("password", one.variable, one.file, env)
		if got != one.want || (err == nil) != (one.fault == "") || err != nil && !contains(err.Error(), one.fault) {
			t.Errorf("Secret(%q, %q) = %q, %v; want %q, %q", one.variable, one.file, got, err, one.want, one.fault)
		}
	}
}

func TestParseName(t *testing.T) {
	for text, want := range map[string]string{
		"lake.features.Tx": "lake.features.tx", "features.tx": "cat.features.tx", "tx": "cat.sch.tx", `lake."a.b".tx`: "lake.a.b.tx", `"la""ke".x.y`: `la"ke.x.y`,
		"a.b.c.d": "", "": "", "a..c": "", `"a"b.c.d`: "",
	} {
		got, err := ParseName(text, "cat", "sch")
		if want == "" {
			if err == nil {
				t.Errorf("ParseName(%q) = %v, want an error", text, got)
			}
			continue
		}
		if err != nil || got.String() != want {
			t.Errorf("ParseName(%q) = %v, %v; want %s", text, got, err, want)
		}
	}
	if _, err := ParseName("tx", "", ""); err == nil || !contains(err.Error(), "engine.trino.catalog") {
		t.Errorf("a name without catalog and schema: error %v, want one that says where to set them", err)
	}
}

func TestPathsThereAndHere(t *testing.T) {
	for _, one := range []struct{ example, here, want string }{
		{"local:///data/t", "/data/t/a.parquet", "local:///data/t/a.parquet"},
		{"file:/data/t", "/data/t/a.parquet", "file:/data/t/a.parquet"},
		{"file:///data/t", "/data/t/a.parquet", "file:///data/t/a.parquet"},
		{"s3a://bucket/t", "s3://bucket/t/a b.parquet", "s3a://bucket/t/a b.parquet"},
		{"s3://bucket/t", "s3://bucket/t/a.parquet", "s3://bucket/t/a.parquet"},
		{"gs://bucket/t", "gs://bucket/t/a.parquet", "gs://bucket/t/a.parquet"},
	} {
		if got := pathsOf(one.example).there(one.here); got != one.want {
			t.Errorf("%s where a table lies at %s is %s, want %s", one.here, one.example, got, one.want)
		}
	}
}

func TestFieldsOfRows(t *testing.T) {
	row := `row("a" bigint, b row("x, y" varchar, z decimal(10,2)), "q""r" timestamp(6))`
	for field, want := range map[string]string{"a": "bigint", "A": "bigint", "b": `row("x, y" varchar, z decimal(10,2))`, `q"r`: "timestamp(6)", "none": ""} {
		if got := fieldType(row, field); got != want {
			t.Errorf("field %s of %s is %q, want %q", field, row, got, want)
		}
	}
	if got := fieldType(fieldType(row, "b"), "x, y"); got != "varchar" {
		t.Errorf("a field of a field is %q, want varchar", got)
	}
}

// TestFolderOf: the folder of a managed table is the one above the folders of its partitions, whichever file the cluster shows first.
func TestFolderOf(t *testing.T) {
	for _, test := range []struct {
		file        string
		partitioned []string
		want        string
	}{
		{"local:///w/default/t/dt=2026-11-04/part-1", []string{"dt"}, "local:///w/default/t"},
		{"s3://lake/w/t/year=2026/month=11/part-1", []string{"year", "month"}, "s3://lake/w/t"},
		{"s3://lake/w/t/DT=2026-11-04/part-1", []string{"dt"}, "s3://lake/w/t"},
		{"s3://lake/w/t/part-1", nil, "s3://lake/w/t"},
		{"s3://lake/w/t/elsewhere/part-1", []string{"dt"}, "s3://lake/w/t/elsewhere"},
		{"hdfs://nodes/dt=1/t/dt=2026-11-04/late/part-1", []string{"dt"}, "hdfs://nodes/dt=1/t"},
	} {
		if got := folderOf(test.file, test.partitioned); got != test.want {
			t.Errorf("folderOf(%q, %q) is %q, want %q", test.file, test.partitioned, got, test.want)
		}
	}
}
