package store

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/featureaudit/featureaudit/audit/address"
)

// AddressError says that a path is an address of an object store or a server, where no files are looked for.
type AddressError struct {
	// Address is the path without its credentials.
	Address string
	Scheme  string
}

func (e *AddressError) Error() string {
	if e.Scheme == "file" {
		return fmt.Sprintf("%s: a file:// address is not read: write its path, %s", e.Address, strings.TrimPrefix(e.Address, "file://"))
	}
	if e.Scheme == "http" || e.Scheme == "https" {
		return fmt.Sprintf("%s: %s:// is no store of files, for a web server does not list them: name the bucket that they lie in (s3://, gs:// or azblob://BUCKET/FOLDER), or download them and name their folder",
			e.Address, e.Scheme)
	}
	return fmt.Sprintf("%s: %s:// addresses are not read here, only files and folders that this machine sees: copy or mount them, and name that path", e.Address, e.Scheme)
}

// Retryable says that no further try can help.
func (e *AddressError) Retryable() bool { return false }

// schemed is a path that begins as an address does.
var schemed = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://`)

// sameStore are the schemes that the writers of tables have for one store.
var sameStore = map[string]string{"s3": "s3", "s3a": "s3", "s3n": "s3", "gs": "gs", "azblob": "azblob"}

// Known is the address here of an object or a folder that the log of a table names with the scheme of its writer: s3a:// is s3://, and
// abfss://CONTAINER@ACCOUNT.dfs.core.windows.net/PATH is azblob://CONTAINER/PATH. It says false where no store here is meant.
func Known(written string) (address string, known bool) {
	scheme := Scheme(written)
	_, rest, _ := strings.Cut(written, "://")
	if same, ok := sameStore[scheme]; ok {
		return same + "://" + rest, true
	}
	switch scheme {
	case "abfs", "abfss", "wasb", "wasbs":
		container, host, ok := strings.Cut(rest, "@")
		_, key, _ := strings.Cut(host, "/")
		return "azblob://" + container + "/" + key, ok && !strings.Contains(container, "/")
	}
	return "", false
}

// Addressed is an *AddressError where a path is an address, else nil.
func Addressed(path string) error {
	m := schemed.FindStringSubmatch(path)
	if m == nil {
		return nil
	}
	return &AddressError{Address: address.Redact(path), Scheme: strings.ToLower(m[1])}
}
