package trino

import (
	"encoding/base64"
	"encoding/binary"
	"maps"
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/internal/collect"
	"github.com/featureaudit/featureaudit/audit/times"
)

// TestReadSample reads rows as the cluster packs them.
func TestReadSample(t *testing.T) {
	// 60 files take 6 bits, a month of minutes 16, lags 13 and two sources 1: in the bytes of a number, the last bits are its last
	const arrival, first, lag, file = 29_870_006, 29_830_000, -959, 59
	p := packing{fileBits: 6, arrivalBits: 16, first: first}
	row := func(p packing, source int64) []byte {
		number := ((file<<p.arrivalBits+arrival-p.first)<<lagBits+lag-facts.LeastLagMinutes)<<p.sourceBits + source
		return append([]byte{0xfe, 0xed, 0xbe}, binary.BigEndian.AppendUint64(nil, uint64(number))[8-p.bytes():]...)
	}
	if len(row(p, 0)) != 8 {
		t.Errorf("a row takes %d bytes, want 3 and 5", len(row(p, 0)))
	}
	got, err := readSample(base64.StdEncoding.EncodeToString(append(row(p, 0), row(p, 0)...)), "s", sampling{packed: p})
	ingested := times.Instant(arrival * int64(times.Minute))
	want := collect.WriterTimes{Row: 0xfeedbe00, File: file, Event: ingested - times.Instant(lag*int64(times.Minute)), Ingested: ingested}
	if err != nil || len(got["s"]) != 2 || got["s"][1] != want {
		t.Errorf("%+v, %v; want twice %+v", got, err, want)
	}
	p.sourceBits = 1
	coded := sampling{sources: []string{"batch", "stream"}, packed: p}
	got, err = readSample(base64.StdEncoding.EncodeToString(append(row(p, 1), row(p, 0)...)), "", coded)
	if err != nil || len(got["batch"]) != 1 || len(got["stream"]) != 1 || got["stream"][0] != want || got["batch"][0] != want {
		t.Errorf("%+v, %v; want %+v in each source", got, err, want)
	}
	coded.sources = coded.sources[:1]
	if _, err := readSample(base64.StdEncoding.EncodeToString(row(p, 1)), "", coded); err == nil {
		t.Error("a row of the second of one source is a sample, want an error")
	}
	if p := (packing{fileBits: 24, arrivalBits: widestArrival}); !p.fits(1) || p.fits(2) || p.bytes() != 8 {
		t.Errorf("the widest row takes %d bytes and has room for two sources: %v; want 8 and false", p.bytes(), p.fits(2))
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

// TestReadHistogram reads bins as the cluster writes them: a bin without a number follows the one before.
func TestReadHistogram(t *testing.T) {
	counts, rows, err := histogram("-2:1 z 10 a:5 2 ", 100)
	want := map[int32]int64{98: 1, 99: 35, 100: 36, 110: 5, 111: 2}
	if err != nil || rows != 79 || !maps.Equal(counts, want) {
		t.Errorf("%v, %d rows, %v; want %v and 79", counts, rows, err, want)
	}
	for _, text := range []string{"1", "x:", ":1", "!:1", "zzzzzzz:1"} {
		if counts, _, err := histogram(text, 0); err == nil {
			t.Errorf("%q is the histogram %v, want an error", text, counts)
		}
	}
}
