package contract_test

import (
	"testing"
	"time"

	"github.com/featureaudit/featureaudit/audit/contract"
)

// FuzzParse: whatever bytes a file holds, they are refused or read, and a pass rests on a known age within its limit.
func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		`{"flags":{"featureview.v":{"state":"ENABLED","variants":{"pass":"pass"},"defaultVariant":"pass","metadata":{"contract_version":1,` +
			`"audited_at":"2026-11-24T02:00:00Z","newest_event_time":"2026-11-24T01:00:00Z","ttl_declared":true,"ttl_seconds":86400}}}}`,
		`{"metadata":{"a":1e308},"flags":{}}`, `{"flags":{"a":1,"a":2}}`, "\xef\xbb\xbf{}", `{"flags":[[`,
	} {
		f.Add([]byte(seed))
	}
	now := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, raw []byte) {
		file, err := contract.Parse(raw)
		if err != nil {
			return
		}
		for _, key := range file.Keys() {
			e := file.Evidence("", key)
			a := contract.Decide(e, contract.Question{View: key, MaxAge: 24 * time.Hour, Now: now})
			if a.Message == "" {
				t.Fatalf("%s: no message", key)
			}
			if a.Verdict == contract.Pass && (a.AgeSeconds == nil || a.LimitSeconds == nil || *a.AgeSeconds > *a.LimitSeconds || *a.LimitSeconds > 86400 || e.Value != "pass") {
				t.Fatalf(`%s: %+v, want a.Verdict != contract.Pass || a.AgeSeconds != nil && a.LimitSeconds != nil && *a.AgeSeconds <= *a.LimitSeconds && *a.LimitSeconds <= 86400 && e.Value == "pass"`, key, a)
			}
		}
	})
}
