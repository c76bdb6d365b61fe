package blob

import (
	"fmt"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/address"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/internal/glob"
)

// location is an address taken apart.
type location struct {
	scheme, bucket string
	// key has no slash at its ends; empty means the whole bucket.
	key string
	// unnamed is what keys begin with that have the folders of the address up to its first one without a name; empty where the address has none.
	unnamed string
	// params are those behind the question mark, nil where there are none.
	params url.Values
}

// LocationError is an address that cannot be meant.
type LocationError struct {
	// Address has no secret.
	Address, Reason string
}

func (e *LocationError) Error() string { return e.Address + ": " + e.Reason }

// Retryable says that no further try can help.
func (e *LocationError) Retryable() bool { return false }

// parse takes an address apart. A question mark is a wildcard, but for one that parameters follow.
func parse(text string) (location, error) {
	scheme, rest, _ := strings.Cut(text, "://")
	l := location{scheme: strings.ToLower(scheme)}
	wrong := func(format string, args ...any) (location, error) {
		return location{}, &LocationError{Address: address.Redact(text), Reason: fmt.Sprintf(format, args...)}
	}
	rest, query, found := store.CutParameters(rest)
	l.bucket, l.key, _ = strings.Cut(rest, "/")
	switch {
	case strings.Contains(l.bucket, "@"), strings.Contains(l.bucket, ":") && strings.Contains(l.key, "@"):
		return wrong("credentials do not belong into an address: give them as the cloud's own tools read them (environment, profile, instance or workload identity)")
	case l.bucket == "" || strings.ContainsAny(l.bucket, "*?[]{}:"):
		return wrong("it names no bucket: want for example %s://bucket/folder/**/*.parquet; only what comes behind the bucket may have wildcards", l.scheme)
	}
	l.unnamed = unnamedIn(l.key)
	l.key = strings.Trim(path.Clean("/"+l.key), "/")
	if !found {
		return l, nil
	}
	params, err := url.ParseQuery(query)
	if err != nil {
		return wrong("its parameters cannot be read: want NAME=VALUE, joined with &")
	}
	known := parameters[l.scheme]
	for name, values := range params {
		if !slices.Contains(known, name) {
			return wrong("unknown parameter %q%s: known are %s; credentials are no parameter: give them as the cloud's own tools read them", name, likely(name, known), strings.Join(known, ", "))
		}
		if len(values) > 1 {
			return wrong("parameter %s is there %d times: keep one", name, len(values))
		}
	}
	l.params = params
	return l, nil
}

// unnamedIn is the part of a key with slashes up to a folder without a name that something follows, where no wildcard comes before it.
func unnamedIn(key string) string {
	key = strings.TrimRight(key, "/")
	end := strings.Index("/"+key, "//")
	if end < 0 || strings.ContainsAny(key[:end], `*?[{\`) {
		return ""
	}
	return key[:end] + "/"
}

func likely(name string, known []string) string {
	if near := glob.Similar(known, name); near != "" {
		return fmt.Sprintf(" (did you mean %q?)", near)
	}
	return ""
}

// parameters are those of each cloud that say where and as whom to ask, by the names that gocloud.dev gives them.
var parameters = map[string][]string{
	"s3": {"anonymous", "dualstack", "endpoint", "fips", "profile", "region", "request_checksum_calculation", "response_checksum_validation",
		"role", "role_duration", "role_external_id", "role_session_name", "use_path_style", "web_identity_token_file"},
	"gs":     {"anonymous", "universe_domain"},
	"azblob": {"cdn", "domain", "localemu", "protocol", "storage_account"},
}

// root is the address of the bucket.
func (l location) root() string { return l.scheme + "://" + l.bucket }

// name is the address without parameters.
func (l location) name() string { return store.Join(l.root(), "/"+l.key) }

// path is the key as a path from the root of the bucket.
func (l location) path() string { return "/" + l.key }
