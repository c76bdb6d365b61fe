package check

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"

	"github.com/featureaudit/featureaudit/audit/report"
)

// fingerprintNote says of a finding whose fingerprint is no other report's why that is so.
func (b *judging) fingerprintNote(s report.Subject) string {
	if !b.Numbered(s) {
		return ""
	}
	return "of this report only: its source is sensitive and numbered, and may have another number in the next report; --hash-key-file gives it a lasting name"
}

// Fingerprint identifies a finding across runs: 16 hex digits over check, view and subject, never over counts. The partition of
// the subject is to be its facts.Partition.Identity, so that a folder that spells the same interval otherwise renames no finding.
func Fingerprint(check, view string, s report.Subject) string {
	// NUL can stand in no name, so that two different subjects never read alike.
	sum := sha256.Sum256([]byte(strings.Join([]string{check, view, s.Partition, s.Source, s.File, s.Column, s.Object}, "\x00")))
	return hex.EncodeToString(sum[:8])
}
