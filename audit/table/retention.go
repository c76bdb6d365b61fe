package table

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Retention is how long a table keeps what a read of an older version needs.
type Retention struct {
	// Setting is the property that says so, and Text what it says; Default says that the table has none, and the format's default holds.
	Setting, Text string
	Default       bool
	For           time.Duration
	// Problem says why the text cannot be read; empty where it can.
	Problem string
}

// The properties that say how long versions can be read, with the defaults of their formats.
const (
	deletedFiles   = "delta.deletedFileRetentionDuration"
	logRetention   = "delta.logRetentionDuration"
	snapshotExpiry = "history.expire.max-snapshot-age-ms"
)

// Retentions are those of a table of a format, in a fixed order.
func Retentions(format string, settings map[string]string) []Retention {
	switch format {
	case "Delta":
		return []Retention{interval(settings, deletedFiles, "interval 7 days"), interval(settings, logRetention, "interval 30 days")}
	case "Iceberg":
		r := Retention{Setting: snapshotExpiry, Text: "432000000"}
		if text, said := settings[snapshotExpiry]; said {
			r.Text = text
		} else {
			r.Default = true
		}
		millis, err := strconv.ParseInt(r.Text, 10, 64)
		if err != nil || millis < 0 || millis > int64(1<<63-1)/int64(time.Millisecond) {
			r.Problem = "want a number of milliseconds"
		}
		r.For = time.Duration(millis) * time.Millisecond
		return []Retention{r}
	}
	return nil
}

// interval reads a setting that is an interval in the words of Spark: "interval 7 days", "interval 1 week 12 hours".
func interval(settings map[string]string, setting, usual string) Retention {
	r := Retention{Setting: setting, Text: usual, Default: true}
	if text, said := settings[setting]; said {
		r.Text, r.Default = text, false
	}
	words := strings.Fields(strings.ToLower(strings.NewReplacer("'", " ", "\"", " ").Replace(r.Text)))
	if len(words) > 0 && words[0] == "interval" {
		words = words[1:]
	}
	if len(words) == 0 || len(words)%2 != 0 {
		r.Problem = "want an interval such as \"interval 7 days\""
		return r
	}
	for i := 0; i < len(words); i += 2 {
		unit, known := intervalUnits[strings.TrimSuffix(words[i+1], "s")]
		count, err := strconv.ParseInt(words[i], 10, 64)
		if !known || err != nil || count < 0 || count > int64(1<<62)/int64(unit) {
			r.Problem = fmt.Sprintf("%s %s is no length of time: want an interval such as \"interval 7 days\"", words[i], words[i+1])
			return r
		}
		r.For += time.Duration(count) * unit
	}
	return r
}

var intervalUnits = map[string]time.Duration{"microsecond": time.Microsecond, "millisecond": time.Millisecond, "second": time.Second, "minute": time.Minute, "hour": time.Hour,
	"day": 24 * time.Hour, "week": 7 * 24 * time.Hour}
