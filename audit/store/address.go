package store

import (
	"fmt"
	"regexp"
	"strings"
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
	return fmt.Sprintf("%s: %s:// addresses are not supported yet, only files that this machine sees: copy or mount them, and name that path", e.Address, e.Scheme)
}

// Retryable says that no further try can help.
func (e *AddressError) Retryable() bool { return false }

// schemed is a path that begins as an address does.
var schemed = regexp.MustCompile(`^([A-Za-z][A-Za-z0-9+.-]*)://`)

// Addressed is an *AddressError where a path is an address, else nil.
func Addressed(path string) error {
	m := schemed.FindStringSubmatch(path)
	if m == nil {
		return nil
	}
	return &AddressError{Address: Mask(path), Scheme: strings.ToLower(m[1])}
}

// Mask is an address without what may be secret in it: a user and password before its host, and the query behind its
// path, where signatures stand. What is no address stays as it is: a ? of a glob is not a query.
func Mask(path string) string {
	m := schemed.FindString(path)
	if m == "" {
		return path
	}
	rest := path[len(m):]
	if i := strings.IndexAny(rest, "?#"); i >= 0 && strings.Contains(rest[i:], "=") {
		rest = rest[:i+1] + "xxxxx"
	}
	host, below, found := strings.Cut(rest, "/")
	if i := strings.LastIndexByte(host, '@'); i >= 0 {
		host = "xxxxx" + host[i:]
	}
	if !found {
		return m + host
	}
	// A password may hold a slash that is not escaped.
	if i := strings.LastIndexByte(below, '@'); i >= 0 && strings.Contains(host, ":") && !strings.Contains(host, "@") {
		return m + "xxxxx" + below[i:]
	}
	return m + host + "/" + below
}
