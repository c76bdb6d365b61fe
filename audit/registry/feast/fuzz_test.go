package feast

import (
	"os"
	"path/filepath"
	"testing"
)

// seed adds the files of the registries that Feast wrote, where they are here.
func seed(f *testing.F, pattern string) {
	names, err := filepath.Glob(filepath.Join(testdata, pattern))
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
}

// FuzzDecode: whatever the bytes, there is an error or definitions that can be written down, and no panic.
func FuzzDecode(f *testing.F) {
	seed(f, "registries/*/*.registry.db")
	seed(f, "unknown/*.registry.db")
	f.Add([]byte{0x1a, 0x01, 0x31})
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := Decode(data)
		if err != nil {
			return
		}
		if _, err := d.Marshal(); err != nil {
			t.Errorf("definitions that cannot be written: %v", err)
		}
		if _, err := d.ToViews(); err != nil {
			t.Log(err)
		}
	})
}

// FuzzDecodeJSON is FuzzDecode for dumps.
func FuzzDecodeJSON(f *testing.F) {
	seed(f, "registries/*/*.dump.json")
	f.Add([]byte(`{"featureViews":[{"spec":{"name":"a","ttl":"-1.5s","features":[{"name":"x","valueType":"NEW"}]}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := DecodeJSON(data)
		if err != nil {
			return
		}
		if _, err := d.Marshal(); err != nil {
			t.Errorf("definitions that cannot be written: %v", err)
		}
	})
}

// FuzzDecodeSQLite: a damaged or hostile database ends in an error.
func FuzzDecodeSQLite(f *testing.F) {
	seed(f, "registries/0.67.0/before.registry.sqlite")
	f.Add([]byte(SQLiteMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1<<20 {
			return
		}
		file := filepath.Join(t.TempDir(), "r.sqlite")
		if err := os.WriteFile(file, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if d, err := DecodeSQLite(t.Context(), file); err == nil && len(d.Views) > 1e6 {
			t.Errorf("%d views from %d bytes", len(d.Views), len(data))
		}
	})
}
