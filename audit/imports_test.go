package audit_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/featureaudit/featureaudit"

// listed is one package as `go list` describes it.
type listed struct {
	ImportPath   string
	Standard     bool
	Imports      []string
	TestImports  []string
	XTestImports []string
}

// room is the package's path below the module.
func (p listed) room() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")
}

func listPackages(t *testing.T) []listed {
	t.Helper()
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Standard,Imports,TestImports,XTestImports", module+"/...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var packages []listed
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		err := dec.Decode(&p)
		if errors.Is(err, io.EOF) {
			return packages
		}
		if err != nil {
			t.Fatal(err)
		}
		packages = append(packages, p)
	}
}

// below says whether a room is one of these, or lies in one.
func below(room string, houses ...string) bool {
	return slices.ContainsFunc(houses, func(house string) bool { return room == house || strings.HasPrefix(room, house+"/") })
}

// standardOnly are the rooms of pure values.
var standardOnly = []string{"audit/model", "audit/report", "audit/facts", "audit/words", "audit/times"}

// reserved are the libraries that few rooms may import, with what to do instead.
var reserved = []struct {
	library string
	rooms   []string
	instead string
}{
	{"github.com/marcboeker/go-duckdb", []string{"audit/engine/duckdb"}, "go through the port in audit/engine"},
	{"github.com/apache/arrow", []string{"audit/survey", "audit/content", "audit/export", "audit/align", "audit/sample", "audit/history", "audit/kept",
		"audit/table", "audit/internal/chunks", "fixtures"}, "footers are read in audit/survey; ask it for the fact"},
	{"github.com/hamba/avro", []string{"audit/table/iceberg", "fixtures/icebergtable"}, "ask audit/table for the listing"},
	{"github.com/RoaringBitmap", []string{"audit/table/internal/rowset", "fixtures/deltatable"}, "ask audit/table for the rows that count"},
	{"gocloud.dev", []string{"audit/store/blob"}, "go through the port in audit/store"},
	{"github.com/aws/", []string{"audit/store/blob"}, "go through the port in audit/store"},
	{"cloud.google.com/", []string{"audit/store/blob"}, "go through the port in audit/store"},
	{"github.com/Azure/", []string{"audit/store/blob", "fixtures/objectstore"}, "go through the port in audit/store"},
	{"github.com/trinodb/trino-go-client", []string{"audit/engine/trino", "fixtures/cmd/bench"}, "go through engine.Collector"},
	{"github.com/spf13/pflag", []string{"cmd", "fixtures/cmd"}, "take plain values and let cmd parse the flags"},
	{"github.com/mattn/go-isatty", []string{"cmd"}, "take a boolean and let cmd look at the terminal"},
}

// floors number the rooms: a package imports rooms of lower floors, or its own house. A room without an entry stands
// as high as the house that holds it.
var floors = map[string]int{
	"sql": 0, "audit/times": 0,
	"audit/model": 1, "audit/report": 1, "audit/address": 1, "audit/words": 1,
	"audit/facts": 2, "audit/zone": 2, "audit/internal/strptime": 2, "audit/internal/pages": 2,
	"audit/sensitive": 3, "audit/internal/keys": 3, "audit/partition": 3, "audit/internal/chunks": 3, "audit/zonefit": 3, "audit/store": 3, "audit/policy": 3,
	"audit/internal/aside": 4, "audit/kept": 4, "audit/export": 4, "audit/sample": 4, "audit/engine": 4, "audit/registry": 4, "audit/survey": 4, "audit/table": 4,
	"audit/engine/trino": 6, "audit/internal/collect": 5, "audit/internal/stage": 5, "audit/content": 5, "audit/look": 6, "audit/evidence": 5, "audit/internal/zoneproof": 6,
	"audit/internal/reproduce": 7, "audit/internal/facttables": 6, "audit/document": 6, "audit/check": 8, "audit/diff": 5, "audit/contract": 5, "audit/align": 5, "audit/history": 5,
	"audit/render": 9, "audit/verify": 9,
	"audit": 10,
	"cmd":   11,
}

// floorOf is the floor of the innermost house with a number, and that house.
func floorOf(room string) (house string, floor int, ok bool) {
	for house = room; ; {
		if floor, ok = floors[house]; ok {
			return house, floor, true
		}
		i := strings.LastIndexByte(house, '/')
		if i < 0 {
			return "", 0, false
		}
		house = house[:i]
	}
}

func TestImportsGoDownOnly(t *testing.T) {
	for _, p := range listPackages(t) {
		room := p.room()
		if below(room, "fixtures") {
			continue
		}
		house, floor, ok := floorOf(room)
		if !ok {
			t.Errorf("%s has no floor: give it one in audit/imports_test.go", room)
			continue
		}
		for _, imported := range p.Imports {
			target, own := strings.CutPrefix(imported, module+"/")
			if !own {
				continue
			}
			if below(target, "fixtures") {
				t.Errorf("%s imports %s: fixtures are for tests only; move what both need to a room below", room, target)
				continue
			}
			into, below, ok := floorOf(target)
			if ok && into != house && below >= floor {
				t.Errorf("%s (floor %d) imports %s (floor %d): imports go down only; move the shared part to a lower room, or pass it in", room, floor, target, below)
			}
		}
	}
}

func TestValuesUseTheStandardLibraryOnly(t *testing.T) {
	for _, p := range listPackages(t) {
		if !below(p.room(), standardOnly...) {
			continue
		}
		for _, imported := range p.Imports {
			first, _, _ := strings.Cut(imported, "/")
			if strings.Contains(first, ".") && !strings.HasPrefix(imported, module+"/audit/") {
				t.Errorf("%s imports %s: it holds pure values; do this work in the room that needs the library", p.room(), imported)
			}
		}
	}
}

func TestLibrariesStayInTheirRooms(t *testing.T) {
	for _, p := range listPackages(t) {
		for _, r := range reserved {
			if below(p.room(), r.rooms...) {
				continue
			}
			for _, imported := range p.Imports {
				if strings.HasPrefix(imported, r.library) {
					t.Errorf("%s imports %s, which only %s may: %s", p.room(), imported, strings.Join(r.rooms, ", "), r.instead)
				}
			}
		}
	}
}

func TestNobodyImportsCommands(t *testing.T) {
	for _, p := range listPackages(t) {
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if strings.HasPrefix(imported, module+"/cmd/") {
				t.Errorf("%s imports %s: move what it needs into audit/", p.room(), imported)
			}
		}
	}
}
