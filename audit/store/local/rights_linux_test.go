package local

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/featureaudit/featureaudit/audit/store"
)

// TestUnreadableFolder lists as one who may not read a folder: root, who may read them all, gives that right up first.
func TestUnreadableFolder(t *testing.T) {
	root := tree(t, "v/a.parquet", "v/closed/b.parquet")
	if err := os.Chmod(filepath.Dir(root), 0o755); err != nil {
		t.Fatal(err)
	}
	closed := filepath.Join(root, "v/closed")
	if err := os.Chmod(closed, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.Chmod(closed, 0o700) }) // so that the folder can be removed
	_, err := asNobody(t, func() (store.Listing, error) { return New().List(context.Background(), root, "v") })
	var access *store.AccessError
	if !errors.As(err, &access) || !errors.Is(err, fs.ErrPermission) || access.Path != closed || !access.Retryable() {
		t.Errorf("got %v, want a retryable *store.AccessError of %s", err, closed)
	}
}

// asNobody runs what stays on its goroutine without the rights of root over files.
func asNobody(t *testing.T, list func() (store.Listing, error)) (store.Listing, error) {
	t.Helper()
	if os.Geteuid() != 0 {
		return list()
	}
	const nobody = 65534
	runtime.LockOSThread() // what follows is of this thread only
	defer runtime.UnlockOSThread()
	if err := syscall.Setfsuid(nobody); err != nil {
		t.Fatal(err)
	}
	defer syscall.Setfsuid(0)
	return list()
}
