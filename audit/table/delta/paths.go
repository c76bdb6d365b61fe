package delta

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	"github.com/featureaudit/featureaudit/audit/store"
)

// schemed is a path that begins as a URI does.
var schemed = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:/`)

// decodePath is the path of an action without its percent-encoding: relative to the table's folder, or absolute.
func decodePath(text string) (string, error) {
	if text == "" {
		return "", fmt.Errorf("its path is empty")
	}
	if schemed.MatchString(text) || strings.HasPrefix(text, "/") {
		return absolute(text)
	}
	decoded, err := url.PathUnescape(text)
	if err != nil {
		return "", fmt.Errorf("its path %q is not percent-encoded as the format demands: %w", text, err)
	}
	if clean := path.Clean(decoded); clean != strings.TrimPrefix(decoded, "./") || clean == ".." || strings.HasPrefix(clean, "../") {
		return "", fmt.Errorf("its path %q leads out of the table or is no plain path", text)
	}
	return strings.TrimPrefix(decoded, "./"), nil
}

// absolute is what an absolute path or URI of the log names: a path for files of this machine, else the URI.
func absolute(text string) (string, error) {
	if !schemed.MatchString(text) && !strings.HasPrefix(text, "/") {
		return "", fmt.Errorf("%q is no absolute path", text)
	}
	decoded, err := url.PathUnescape(text)
	if err != nil {
		return "", fmt.Errorf("%q is not percent-encoded as the format demands: %w", text, err)
	}
	for _, own := range []string{"file:", "local:"} { // the second is Trino's
		if local, ok := strings.CutPrefix(decoded, own); ok {
			return "/" + strings.TrimLeft(local, "/"), nil
		}
	}
	if address, known := store.Known(decoded); known {
		return address, nil
	}
	return decoded, nil
}

func isAbsolute(decoded string) bool {
	return schemed.MatchString(decoded) || strings.HasPrefix(decoded, "/")
}
