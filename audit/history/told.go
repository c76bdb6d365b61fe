package history

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Tell notes in the folder of a history that a channel (slack, or the like) is told of the night of an instant, the day (UTC) of as_of,
// and says whether it was told of that night before: of two at once, one is told so. About names whose news they are. Place is what holds
// the note; with Forget the channel may be told again.
//
// A note is an empty folder: making one is a single step for everybody who shares the disk, and a query of every file of the history does
// not come across it.
func Tell(dir string, asOf time.Time, channel string, about ...string) (place string, before bool, err error) {
	if err := Prepare(dir); err != nil {
		return "", false, err
	}
	night := filepath.Join(dir, nightOf(asOf))
	if err := os.Mkdir(night, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return "", false, fmt.Errorf("history %s: %w", dir, err)
	}
	place = filepath.Join(night, noteOf(channel, about))
	err = os.Mkdir(place, 0o777)
	if errors.Is(err, fs.ErrExist) {
		return place, true, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("history %s: %w", dir, err)
	}
	return place, false, nil
}

func nightOf(asOf time.Time) string { return partitionKey + "=" + asOf.UTC().Format(time.DateOnly) }

func noteOf(channel string, about []string) string {
	sum := sha256.Sum256([]byte(strings.Join(about, "\x00")))
	return "told-" + channel + "-" + hex.EncodeToString(sum[:8])
}

// ToldObject is the name below a history in a bucket, which has no folders, of the object that is the note of Tell. Its creation is the one
// step of who tells. A query of every file of the history does not come across it.
func ToldObject(asOf time.Time, channel string, about ...string) string {
	return nightOf(asOf) + "/" + temporaryStart + noteOf(channel, about) + temporaryEnd
}

// Forget takes back that a channel was told: what could not be written was not told.
func Forget(place string) error {
	if err := os.Remove(place); err != nil {
		return fmt.Errorf("history: %w", err)
	}
	return nil
}
