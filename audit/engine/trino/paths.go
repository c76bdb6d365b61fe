package trino

import "strings"

// paths turns names of files as this program's store knows them into those that the cluster knows, and back.
type paths struct {
	// scheme is what stands before an absolute path of a local file in the cluster: local://, file://, file:.
	scheme string
	// object is the scheme of objects there: s3a, s3, gs, abfss.
	object string
}

// pathsOf learns how the cluster writes names from one of them.
func pathsOf(example string) paths {
	scheme, rest, found := strings.Cut(example, ":")
	switch {
	case !found:
		return paths{}
	case scheme == "local" || scheme == "file":
		slashes := len(rest) - len(strings.TrimLeft(rest, "/"))
		return paths{scheme: scheme + ":" + strings.Repeat("/", max(slashes-1, 0))}
	}
	return paths{object: scheme}
}

// there is a file as the cluster knows it.
func (p paths) there(abs string) string {
	scheme, rest, found := strings.Cut(abs, "://")
	switch {
	case !found:
		return p.scheme + abs
	case p.object != "":
		return p.object + "://" + rest
	}
	return scheme + "://" + rest
}
