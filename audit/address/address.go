// Package address keeps the secrets of addresses out of what people read: a database's password, an object store's key.
package address

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// mask stands where a secret was.
const mask = "xxxxx"

// secretWords are parts of the names that libpq, the clouds and their drivers give to secrets.
var secretWords = []string{"pass", "pwd", "secret", "token", "credential", "signature", "access_key", "accesskey", "account_key", "accountkey", "sas", "apikey", "api_key"}

var (
	// userinfo is a scheme, a user, and what stands up to the last @: a password may hold any letter, a slash and an @ too.
	userinfo = regexp.MustCompile(`(?i)([a-z][a-z0-9+.-]*)(:/*)([^\s:/@]*):(\S*)@`)
	// setting is name=value as in a query or in libpq's own form, where a value may be quoted.
	setting = regexp.MustCompile(`([\w%.-]+)(\s*=\s*)('(?:[^'\\]|\\.)*'?|"[^"]*"?|[^\s&;]+)`)
)

// Redact is a reference without its secrets, whatever its form: a URL, libpq's name=value pairs, or a mistyped one.
func Redact(ref string) string {
	scheme, rest, ok := strings.Cut(ref, ":")
	if at := strings.LastIndex(rest, "@"); ok && at >= 0 && !strings.ContainsAny(scheme, " \t/") {
		// one reference is one address: blanks in a password do not end it
		slashes := rest[:len(rest)-len(strings.TrimLeft(rest, "/"))]
		if user, _, secret := strings.Cut(rest[len(slashes):at], ":"); secret && len(slashes) <= at {
			return scheme + ":" + slashes + shown(scheme, user) + mask + Text(rest[at:])
		}
	}
	return Text(ref)
}

// databases are the schemes whose users are people's names for them; elsewhere the first half of a credential is one, too.
var databases = []string{"postgres", "postgresql", "mysql", "mariadb", "mssql", "snowflake", "oracle", "redshift", "trino"}

// shown is what may be said of a user in front of a secret.
func shown(scheme, user string) string {
	name, _, _ := strings.Cut(strings.ToLower(scheme), "+")
	if slices.Contains(databases, name) {
		return user + ":"
	}
	return ""
}

// Text is a message without the secrets of the addresses in it.
func Text(message string) string {
	message = userinfo.ReplaceAllStringFunc(message, func(address string) string {
		parts := userinfo.FindStringSubmatch(address)
		return parts[1] + parts[2] + shown(parts[1], parts[3]) + mask + "@"
	})
	return setting.ReplaceAllStringFunc(message, func(pair string) string {
		parts := setting.FindStringSubmatch(pair)
		name := parts[1]
		if decoded, err := url.QueryUnescape(name); err == nil {
			name = decoded
		}
		name = strings.ToLower(name)
		if name != "sig" && !slices.ContainsFunc(secretWords, func(word string) bool { return strings.Contains(name, word) }) {
			return pair
		}
		if strings.HasPrefix(parts[3], mask) {
			return pair // masked before
		}
		return parts[1] + parts[2] + mask
	})
}
