//go:build !noclouds

package blob

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/aws/smithy-go"
	gocloud "gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/featureaudit/featureaudit/audit/address"
	"github.com/featureaudit/featureaudit/audit/store"
)

// Limits are how long and how often a store is asked.
type Limits struct {
	// Attempts is how often a request is made that fails for a reason that may pass; what brought bytes does not count.
	Attempts int
	// Request is how long one request may take, its body included, and Idle how long nothing of a body that is read may come.
	Request, Idle time.Duration
	// Pause is the wait after the first failure; it doubles, up to MostPause. The real wait is between half of it and all.
	Pause, MostPause time.Duration
}

// DefaultLimits keep asking for about a minute, and for three to ten where each request has to be given up.
func DefaultLimits() Limits {
	return Limits{Attempts: 10, Request: time.Minute, Idle: answerLimit, Pause: 200 * time.Millisecond, MostPause: 10 * time.Second}
}

const (
	// atOnce is how many requests to a bucket may be under way at once.
	atOnce = 64
	// answerLimit is how long the first byte of an answer may take.
	answerLimit = 20 * time.Second
)

// pause waits, or returns the context's error sooner.
func pause(ctx context.Context, d time.Duration) error {
	waited, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	<-waited.Done()
	return ctx.Err()
}

// try makes a request until it succeeds, fails for good, or was made often enough. Each attempt has a time limit; one that says that
// it got on starts the count anew.
func (b *bucket) try(ctx context.Context, name string, request func(ctx context.Context) (gotOn bool, err error)) error {
	return b.tryWithin(ctx, name, b.store.limits.Request, request)
}

// mostSpent is how many requests in a row are given up before a bucket counts as down: each other is made once then, and given a tenth of the time,
// until one succeeds. Else each of a thousand objects would take all of its attempts.
const mostSpent = 16

func (b *bucket) down() bool { return b.spent.Load() >= mostSpent }

// tryWithin is try with a time limit of its own for each attempt; 0 for an attempt that has one itself.
func (b *bucket) tryWithin(ctx context.Context, name string, limit time.Duration, request func(ctx context.Context) (gotOn bool, err error)) error {
	limits, wait := b.store.limits, b.store.limits.Pause
	for failures := 0; ; {
		if b.down() {
			limit = min(limit, limits.Request/10)
		}
		gotOn, err := b.once(ctx, limit, request)
		switch {
		case err == nil:
			b.worked.Store(true)
			b.spent.Store(0)
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case gotOn:
			failures, wait = 0, limits.Pause
		}
		again, told := b.judge(name, err)
		if failures++; !again {
			return told
		}
		if failures >= limits.Attempts || b.down() {
			b.spent.Add(1)
			return told
		}
		if err := pause(ctx, wait/2+time.Duration(rand.Int64N(int64(wait/2)+1))); err != nil {
			return context.Cause(ctx)
		}
		wait = min(2*wait, limits.MostPause)
	}
}

// once makes one attempt, among no more than atOnce others.
func (b *bucket) once(ctx context.Context, limit time.Duration, request func(ctx context.Context) (bool, error)) (bool, error) {
	select {
	case b.slots <- struct{}{}:
	case <-ctx.Done():
		return false, ctx.Err()
	}
	defer func() { <-b.slots }()
	if limit > 0 {
		limited, cancel := context.WithTimeout(ctx, limit)
		defer cancel()
		ctx = limited
	}
	return request(b.cloud.attempt(ctx))
}

// guarded calls a library, some of which panic over an answer without the headers that each answer of their cloud has: a gateway's page for people.
func guarded(call func() error) (err error) {
	defer func() {
		if recover() != nil {
			err = errOther
		}
	}()
	return call()
}

// errReplaced is an answer of another version of the object than the one that was asked for.
var errReplaced = errors.New("another version came")

// errOther is an answer that is none to what was asked for.
var errOther = errors.New("something else came")

// errStalled is a body of which nothing more has come in time.
var errStalled = errors.New("the answer stopped")

// errSlow is a body of which some came, and the end did not in time.
var errSlow = errors.New("the answer did not end")

// errEndless is a list that goes on where it has been.
var errEndless = errors.New("the list leads to itself")

// errShort is a body that ended too soon.
var errShort = errors.New("the answer ended before its last byte")

// judge says whether an error may pass when the request is made again, and what it is for people. Nothing of the library's own words gets out: they
// name the request, and some hold parts of credentials.
func (b *bucket) judge(name string, err error) (again bool, told error) {
	var location *LocationError
	if errors.As(err, &location) {
		return false, location
	}
	var here localError
	if errors.As(err, &here) {
		return false, here.error
	}
	code, status := b.cloud.told(err)
	answer := answerOf(code, status)
	kind := gcerrors.Code(err)
	if status != 0 {
		kind = gcerrors.Unknown // the answer says it better: the library takes some that deny for an object that is not there
	}
	refuse := func(kind store.RemoteKind, cause, remedy string) error {
		return &store.RemoteError{Kind: kind, Name: name, Cause: cause, Remedy: remedy}
	}
	root := b.at.root()
	switch {
	case among(code, "NoSuchBucket", "ContainerNotFound", "InvalidBucketName", "InvalidResourceName", "ContainerBeingDeleted"):
		return false, noBucket(root)
	case among(code, "SignatureDoesNotMatch", "InvalidAccessKeyId", "XAdminUserNotFound", "InvalidClientTokenId", "UnrecognizedClientException", "InvalidToken", "AuthenticationFailed",
		"InvalidAuthenticationInfo", "InvalidSecurity", "NoAuthenticationInformation"), status == http.StatusUnauthorized:
		if b.worked.Load() {
			return false, refuse(store.RemoteExpired, "the store does not accept the credentials any more"+answer, "run again with fresh ones, which live as long as the audit takes")
		}
		return false, refuse(store.RemoteRefused, "the store does not accept the credentials"+answer, "check which ones this process finds (environment, profile, instance or workload identity) and whether they are whole")
	case among(code, "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"):
		return false, refuse(store.RemoteExpired, "the credentials have expired"+answer, "run again with fresh ones, which live as long as the audit takes")
	case among(code, "RequestTimeTooSkewed", "RequestInTheFuture"):
		return true, refuse(store.RemoteFailed, "the clock of this machine and that of the store differ too much"+answer, "set the clock, and run again")
	case among(code, "PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"), status == http.StatusMovedPermanently,
		status == http.StatusTemporaryRedirect, status == http.StatusPermanentRedirect:
		return false, &store.RemoteError{Kind: store.RemoteRefused, Name: root, Cause: "the bucket is in another region than the one that was asked" + answer, Remedy: "set AWS_REGION to the bucket's, or append ?region=REGION"}
	case errors.Is(err, errReplaced), status == http.StatusPreconditionFailed, among(code, "PreconditionFailed", "ConditionNotMet", "BlobAlreadyExists"), kind == gcerrors.FailedPrecondition:
		return false, refuse(store.RemoteChanged, "it was replaced since it was listed", "run again when its writer is done")
	case among(code, "NoSuchKey", "BlobNotFound"), status == http.StatusNotFound, kind == gcerrors.NotFound:
		return false, refuse(store.RemoteGone, "there is no such object", "check the name, or run again when its writer is done")
	case throttled(code, status):
		return true, refuse(store.RemoteFailed, "the store kept saying that it is too busy"+answer, "run again when it is less so")
	case among(code, "ConditionalRequestConflict", "OperationAborted"), status == http.StatusConflict:
		return true, refuse(store.RemoteFailed, "other writers kept changing it, or its bucket, at the same time"+answer, "run again when they are done")
	case code == "AuthorizationFailure" && !b.worked.Load():
		return false, refuse(store.RemoteRefused, "the store accepts neither the credentials nor requests from here"+answer, "check which ones this process finds, whether they are whole, and the firewall of the account")
	case status == http.StatusForbidden, kind == gcerrors.PermissionDenied:
		return false, refuse(store.RemoteDenied, "the store denies access"+answer, "give these credentials the right to list and read there (and to write, for outputs)")
	case status >= http.StatusInternalServerError, status == http.StatusRequestTimeout, among(code, "RequestTimeout"):
		return true, refuse(store.RemoteFailed, "the store kept failing"+answer, "run again")
	case status == http.StatusRequestedRangeNotSatisfiable:
		return false, refuse(store.RemoteChanged, "it is shorter than it was listed", "run again when its writer is done")
	case status >= http.StatusBadRequest:
		return false, refuse(store.RemoteRefused, "the store refuses the request"+answer, "check the address, and the parameters behind it")
	case brokenCredentials(err):
		return false, refuse(store.RemoteRefused, "the credentials that were found cannot be used", "check whether the key, or the file that holds it, is whole")
	case withoutCredentials(err):
		return false, refuse(store.RemoteRefused, "no credentials were found", "give them as the cloud's own tools read them (environment, profile, instance or workload identity), or append ?anonymous=true for a public bucket")
	}
	if status != 0 || unreadable(err) {
		err = errOther
	}
	return true, refuse(store.RemoteFailed, connection(err), "check the network and the endpoint, and run again")
}

// unreadable says that an answer said that all is well, and was not in the store's form.
func unreadable(err error) bool {
	return errors.As(err, new(*smithy.DeserializationError)) || errors.As(err, new(*json.SyntaxError)) || errors.As(err, new(*xml.SyntaxError)) || errors.As(err, new(xml.UnmarshalError)) ||
		strings.Contains(err.Error(), "unmarshalling type") // Azure's library has no type for it
}

func noBucket(root string) error {
	return &store.RemoteError{Kind: store.RemoteRefused, Name: root, Cause: "there is no such bucket", Remedy: "check its name, and whether account, region and endpoint are those that it is in"}
}

func among(code string, codes ...string) bool {
	for _, c := range codes {
		if code == c {
			return true
		}
	}
	return false
}

func throttled(code string, status int) bool {
	return status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests ||
		among(code, "SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "ServerBusy")
}

// answerOf is what the store answered, for the end of a sentence. Codes are words of its protocol; anything else is left out.
func answerOf(code string, status int) string {
	if strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz") != "" || len(code) > 60 {
		code = ""
	}
	switch {
	case code != "" && status != 0:
		return fmt.Sprintf(" (%s, %d)", code, status)
	case status != 0:
		return fmt.Sprintf(" (%d)", status)
	case code != "":
		return " (" + code + ")"
	}
	return ""
}

// errWithoutCredentials says that a cloud's own chain found none.
var errWithoutCredentials = errors.New("no credentials")

// withoutCredentials says that none were found where the cloud's own chain looks. Its libraries have no type for it.
func withoutCredentials(err error) bool {
	text := err.Error()
	return errors.Is(err, errWithoutCredentials) || strings.Contains(text, "get credentials:") || strings.Contains(text, "DefaultAzureCredential")
}

// brokenCredentials says that a key was found and is none. Google's library has no type for it.
func brokenCredentials(err error) bool {
	return strings.Contains(err.Error(), "private key should be")
}

// connection says what became of a request that had no answer.
func connection(err error) string {
	var name *net.DNSError
	var network *net.OpError
	switch {
	case errors.As(err, &name):
		return fmt.Sprintf("the name %q is not known", name.Name)
	case errors.Is(err, errEndless):
		return "its list of objects has no end: it goes on where it has been"
	case errors.Is(err, errOther):
		return "it kept answering with something else than was asked for, as a gateway does that takes no heed of ranges or has lost its server"
	case errors.Is(err, errSlow):
		return "answers kept coming too slowly to end in time"
	case errors.Is(err, errStalled):
		return "answers kept stopping in the middle, and no more of them came in time"
	case errors.Is(err, errShort), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return "the connection kept breaking before the last byte"
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return "no answer came in time"
	case errors.As(err, &network) && network.Op == "dial":
		return "no connection could be made"
	case errors.As(err, &network):
		return "the connection kept breaking"
	}
	return "the request failed without an answer"
}

func isTimeout(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}

// plain is an error of the library in one line without secrets, for what it says of parameters and profiles.
func plain(err error) string { return address.Text(strings.ReplaceAll(err.Error(), "\n", " ")) }

// closing closes a reader whose bytes were read.
func closing(r *gocloud.Reader) { _ = r.Close() }
