package contract

import (
	"fmt"
	"regexp"
	"time"
)

// instantForm is RFC 3339 with seconds and an offset, in capitals: what every reader of the file parses alike.
var instantForm = regexp.MustCompile(`^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$`)

// ParseInstant reads an RFC 3339 instant with an offset. A time without one is an error: its zone would be a guess.
func ParseInstant(text string) (time.Time, error) {
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil || !instantForm.MatchString(text) || text[:4] == "0000" {
		return time.Time{}, fmt.Errorf("%.64q is no instant: expected RFC 3339 with an offset, such as 2026-11-23T02:00:00Z", text)
	}
	return t.UTC(), nil
}

// secondsBetween is b - a in seconds. It neither overflows nor depends on the platform.
func secondsBetween(a, b time.Time) float64 {
	return float64(b.Unix()-a.Unix()) + float64(b.Nanosecond()-a.Nanosecond())/1e9
}

func formatInstant(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }
