package trino

import (
	"encoding/base64"
	"encoding/binary"
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/times"
)

// TestReadSample reads rows as the cluster packs them.
func TestReadSample(t *testing.T) {
	const arrival, lag, file = 29_870_006, -959, 1<<24 - 1
	few := binary.BigEndian.AppendUint32(nil, 0xfeedbeef)
	few = binary.BigEndian.AppendUint64(few, file<<39|arrival<<13|(lag-facts.LeastLagMinutes))
	got, err := readSample(base64.StdEncoding.EncodeToString(append(few, few...)), "s", sampling{})
	ingested := times.Instant(arrival * int64(times.Minute))
	want := collect.WriterTimes{Row: 0xfeedbeef, File: file, Event: ingested - times.Instant(lag*int64(times.Minute)), Ingested: ingested}
	if err != nil || len(got["s"]) != 2 || got["s"][1] != want {
		t.Errorf("%+v, %v; want twice %+v", got, err, want)
	}
	coded := sampling{sources: []string{"batch", "stream"}}
	got, err = readSample(base64.StdEncoding.EncodeToString(append(append(append([]byte{}, few...), 1), append(few, 0)...)), "", coded)
	if err != nil || len(got["batch"]) != 1 || len(got["stream"]) != 1 || got["stream"][0] != want {
		t.Errorf("%+v, %v; want %+v in each source", got, err, want)
	}
	if _, err := readSample(base64.StdEncoding.EncodeToString(append(few, 2)), "", coded); err == nil {
		t.Error("a row of the third of two sources is a sample, want an error")
	}
	event, span := int64(1_793_500_000_123_456), int64(-16*3600_000_000+1)
	all := []byte{0, 1, 2}
	all = append(all, binary.BigEndian.AppendUint64(nil, uint64(event))[1:]...)
	all = append(all, binary.BigEndian.AppendUint64(nil, uint64(span+16*3600_000_000))[3:]...)
	got, err = readSample(base64.StdEncoding.EncodeToString(all), "s", sampling{all: true})
	want = collect.WriterTimes{File: 258, Event: times.Instant(event), Ingested: times.Instant(event + span)}
	if err != nil || len(got["s"]) != 1 || got["s"][0] != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if _, err := readSample("AAAA", "s", sampling{all: true}); err == nil {
		t.Error("three bytes are a sample, want an error")
	}
}
