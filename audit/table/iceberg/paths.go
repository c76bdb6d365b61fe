package iceberg

import (
	"fmt"
	"path"
	"strings"

	"github.com/featureaudit/featureaudit/audit/store"
)

// resolve is what a path in the metadata names: a path of this machine, or the address of an object. Paths are as they stand, without
// percent-encoding.
func resolve(text string) (string, error) {
	for _, own := range []string{"file:", "local:"} { // the second is Trino's
		if local, ok := strings.CutPrefix(text, own); ok {
			return path.Clean("/" + strings.TrimLeft(local, "/")), nil
		}
	}
	if store.Scheme(text) == "" {
		if !strings.HasPrefix(text, "/") {
			return "", fmt.Errorf("its path %q is relative, and nothing says to which folder: say table: {relocated: true} if the whole table lies in the folder that path names", text)
		}
		return path.Clean(text), nil
	}
	if address, known := store.Known(strings.TrimRight(text, "/")); known {
		return address, nil
	}
	return "", fmt.Errorf("its path %q is in a store that is not read here: want files of this machine, s3://, gs:// or abfss://", text)
}

// places turns the paths in the metadata of a table into names that the store takes.
type places struct {
	// written is the table's folder as the metadata says it, and root where it lies. They differ for a table that was moved.
	written, root string
}

// name is what a path names, and its path below the table's folder where it lies there.
func (p places) name(text string) (abs, rel string, err error) {
	if p.written != "" { // moved: what stood below the old folder stands below the new one
		if below, ok := strings.CutPrefix(normal(text), normal(p.written)+"/"); ok {
			return store.Join(p.root, below), below, nil
		}
	}
	if abs, err = resolve(text); err != nil {
		return "", "", err
	}
	if below, ok := strings.CutPrefix(abs, strings.TrimSuffix(p.root, "/")+"/"); ok {
		return abs, below, nil
	}
	return abs, abs, nil
}

// normal is a path in one spelling, relative ones as they are.
func normal(text string) string {
	if abs, err := resolve(text); err == nil {
		return abs
	}
	return strings.TrimRight(text, "/")
}
