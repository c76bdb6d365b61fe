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
	got, err := readSample(base64.StdEncoding.EncodeToString(append(few, few...)), false)
	ingested := times.Instant(arrival * int64(times.Minute))
	want := collect.WriterTimes{Row: 0xfeedbeef, File: file, Event: ingested - times.Instant(lag*int64(times.Minute)), Ingested: ingested}
	if err != nil || len(got) != 2 || got[1] != want {
		t.Errorf("%+v, %v; want twice %+v", got, err, want)
	}
	event, span := int64(1_793_500_000_123_456), int64(-16*3600_000_000+1)
	all := []byte{0, 1, 2}
	all = append(all, binary.BigEndian.AppendUint64(nil, uint64(event))[1:]...)
	all = append(all, binary.BigEndian.AppendUint64(nil, uint64(span+16*3600_000_000))[3:]...)
	got, err = readSample(base64.StdEncoding.EncodeToString(all), true)
	want = collect.WriterTimes{File: 258, Event: times.Instant(event), Ingested: times.Instant(event + span)}
	if err != nil || len(got) != 1 || got[0] != want {
		t.Errorf("%+v, %v; want %+v", got, err, want)
	}
	if _, err := readSample("AAAA", true); err == nil {
		t.Error("three bytes are a sample, want an error")
	}
}
