package table

import (
	"context"
	"errors"
	"testing"
)

// TestTheErrorOfTheFirstFileIsTold: files are looked at several at once, and one that comes later may fail sooner.
func TestTheErrorOfTheFirstFileIsTold(t *testing.T) {
	second, fifth := errors.New("of the second"), errors.New("of the fifth")
	failed := make(chan struct{})
	err := eachFile(t.Context(), 20, func(ctx context.Context, i int) error {
		switch i {
		case 1:
			select {
			case <-failed:
			case <-ctx.Done():
			}
			return second
		case 4:
			close(failed)
			return fifth
		}
		return nil
	})
	if !errors.Is(err, second) {
		t.Errorf("got %v, want the error %v", err, second)
	}
}
