package stage

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/store/storetest"
)

// TestTheLimitThatARefusalNamesHasRoom: whoever raises the limit to what is said, or to more, is not refused for the same want again.
func TestTheLimitThatARefusalNamesHasRoom(t *testing.T) {
	for name, stageOf := range map[string]func(limit int64) *Stage{
		"alone":  func(limit int64) *Stage { return New(storetest.Memory{}, t.TempDir(), limit) },
		"beside": func(limit int64) *Stage { return NewBeside(storetest.Memory{}, t.TempDir(), limit) },
	} {
		for _, needs := range []int64{1, 7, 8, 1 << 20, 6 << 20, 700 << 20, 768<<20 - 1, 768 << 20, 800 << 20, 896 << 20, 950 << 20, 1 << 30, 5<<30 + 3} {
			o := &Order{file: facts.File{Path: "a"}, bytes: needs}
			_, _, _, err := stageOf(0).Bring(t.Context(), []*Order{o})
			var space SpaceError
			if !errors.As(err, &space) {
				t.Fatalf("%s: no limit has room for %d bytes: %v", name, needs, err)
			}
			var said int64
			if _, err := fmt.Sscanf(err.Error()[strings.Index(err.Error(), "raise it to"):], "raise it to %d MiB", &said); err != nil {
				t.Fatal(err)
			}
			for _, more := range []int64{0, 1, 100, 200, 300, 400, 1000} {
				if mib := said + more; stageOf(mib<<20).Room() < needs {
					t.Errorf("%s: %d bytes have no room at a limit of %d MiB: %v", name, needs, mib, err)
				}
			}
			if mib := said*9/10 - 300; mib > 0 && stageOf(mib<<20).Room() >= needs {
				t.Errorf("%s: %d bytes have room at a limit of %d MiB already: %v", name, needs, mib, err)
			}
		}
	}
}
