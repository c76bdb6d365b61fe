package storetest_test

import (
	"path"
	"testing"

	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/storetest"
)

// TestMemory holds the smallest store to what is asked of every one: the suite asks for nothing that only local files can give.
func TestMemory(t *testing.T) {
	storetest.Run(t, func(_ *testing.T, files map[string]string) (store.Store, string) {
		m := storetest.Memory{}
		for name, content := range files {
			m[path.Join("/bucket", name)] = content
		}
		return m, "/bucket"
	})
}
