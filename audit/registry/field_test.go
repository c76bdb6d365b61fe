package registry

import (
	"strings"
	"testing"
)

// TestTextField: long texts are cut, secrets are never shown, and values that differ have words that differ.
func TestTextField(t *testing.T) {
	long := strings.Repeat("a", 3000)
	for _, c := range []struct{ path, text, want string }{
		{"spec.description", "words", "words"},
		{"custom_options.configuration.connection_str", "Server=x;Pwd=hunter2", "hidden bytes ("},
		{"custom_options.configuration.auth", `{"password":"hunter2"}`, "hidden bytes ("},
		{"custom_options.configuration.url", "postgres://me:hunter2@host/db", "postgres://...@host/db ("},
		{"spec.description", long, long[:2000] + "... ("},
	} {
		got := TextField(c.path, "", c.text).Value()
		if strings.Contains(got, "hunter2") {
			t.Errorf("%s shows its secret: %s", c.path, got)
		}
		if !strings.HasPrefix(got, c.want) || c.want == c.text && got != c.text {
			t.Errorf("%s: %q, want it to begin with %q", c.path, got, c.want)
		}
		if other := TextField(c.path, "", c.text+"b").Value(); other == got {
			t.Errorf("%s: another value reads the same: %s", c.path, got)
		}
	}
}
