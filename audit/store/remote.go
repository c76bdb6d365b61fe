package store

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
)

// RemoteKind is what an object store's refusal means.
type RemoteKind string

// The kinds of refusals.
const (
	// RemoteGone: the object is not there. It may still come.
	RemoteGone RemoteKind = "gone"
	// RemoteDenied: the rights do not suffice. They may be given.
	RemoteDenied RemoteKind = "denied"
	// RemoteChanged: the object was replaced since it was listed.
	RemoteChanged RemoteKind = "changed"
	// RemoteExpired: the credentials were good and are no longer.
	RemoteExpired RemoteKind = "expired"
	// RemoteRefused: what was asked is wrong: no such bucket, credentials that the store does not know, another region. No retry helps.
	RemoteRefused RemoteKind = "refused"
	// RemoteFailed: the store or the network failed, again and again.
	RemoteFailed RemoteKind = "failed"
)

// RemoteError is an object store that did not do what it was asked.
type RemoteError struct {
	Kind RemoteKind
	// Name is the address of the bucket or the object, without parameters.
	Name string
	// Cause says what happened, and Remedy what to do.
	Cause, Remedy string
}

func (e *RemoteError) Error() string { return e.Name + ": " + e.What() }

// What is the error without the name.
func (e *RemoteError) What() string { return fmt.Sprintf("%s; %s", e.Cause, e.Remedy) }

// Retryable says whether another run may succeed.
func (e *RemoteError) Retryable() bool { return e.Kind != RemoteRefused }

// Is finds the errors of a file system that mean the same.
func (e *RemoteError) Is(target error) bool {
	return target == fs.ErrNotExist && e.Kind == RemoteGone || target == fs.ErrPermission && e.Kind == RemoteDenied
}

// Distant is a store whose files lie behind a network.
type Distant interface {
	// AtOnce is how many requests for files of this name may be under way at once; 0 for files of this machine.
	AtOnce(abs string) int
}

// AtOnce is how many requests for a file a store can have under way at once, 0 for files of this machine.
func AtOnce(s Store, abs string) int {
	if d, ok := s.(Distant); ok {
		return d.AtOnce(abs)
	}
	return 0
}

// Scheme is the scheme of an address, in lower case, and empty for a path of this machine.
func Scheme(name string) string {
	if m := schemed.FindStringSubmatch(name); m != nil {
		return strings.ToLower(m[1])
	}
	return ""
}

// Split cuts an address into its bucket, such as s3://bucket, and the path in it, which begins with a slash. A path of this machine
// has no bucket.
func Split(name string) (bucket, key string) {
	m := schemed.FindString(name)
	if m == "" {
		return "", name
	}
	host, rest, _ := strings.Cut(name[len(m):], "/")
	return strings.ToLower(m) + host, "/" + rest
}

// Join is the name of what lies below a folder, which may be an address.
func Join(folder, rel string) string {
	bucket, key := Split(folder)
	if bucket == "" {
		return path.Join(folder, rel)
	}
	return bucket + path.Join(key, rel)
}

// Bare is an address without its parameters; a path of this machine stays as it is.
func Bare(name string) string {
	if Scheme(name) == "" {
		return name
	}
	bare, _, _ := CutParameters(name)
	return bare
}

// CutParameters cuts an address at the question mark that parameters follow: NAME= in plain letters. In a pattern none does, since a name of a
// file that has a question mark and an equals sign in this order is written with [?].
func CutParameters(name string) (before, query string, found bool) {
	for i := range len(name) {
		if name[i] != '?' {
			continue
		}
		parameter, _, assigned := strings.Cut(name[i+1:], "=")
		if assigned && parameter != "" && strings.Trim(strings.ToLower(parameter), "abcdefghijklmnopqrstuvwxyz0123456789_-") == "" {
			return name[:i], name[i+1:], true
		}
	}
	return name, "", false
}
