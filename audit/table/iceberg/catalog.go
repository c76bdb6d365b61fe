package iceberg

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/featureaudit/featureaudit/audit/address"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store"
)

// TokenVariable is the environment variable of the bearer token for REST catalogs.
const TokenVariable = "FEATUREAUDIT_CATALOG_TOKEN"

// IsCatalog says whether a path is the address of a server.
func IsCatalog(path string) bool {
	scheme := store.Scheme(path)
	return scheme == "http" || scheme == "https"
}

// CatalogError is a catalog that did not give a table.
type CatalogError struct {
	// URL has no secret.
	URL, What string
	// Passing says that another try may succeed.
	Passing bool
	// busy says that it may succeed at once, or after the time that the catalog asks for.
	busy  bool
	after time.Duration
}

func (e *CatalogError) Error() string { return fmt.Sprintf("catalog %s: %s", e.URL, e.What) }

// Retryable says whether another try may cure it.
func (e *CatalogError) Retryable() bool { return e.Passing }

// catalogPatience is how long a catalog may take to answer one request.
const catalogPatience = 60 * time.Second

// loadTable asks a REST catalog for a table. The root is the table's own address (.../v1/namespaces/NS/tables/NAME), or that of the
// catalog, of which table.name says which table is meant.
func loadTable(ctx context.Context, root string, at model.TableAt) (found, error) {
	if at.Relocated {
		return found{}, errors.New("table.relocated is for a folder: a catalog says where its tables lie")
	}
	link := strings.TrimRight(root, "/")
	if at.Name != "" {
		var err error
		if link, err = tableLink(ctx, link, at); err != nil {
			return found{}, err
		}
	} else if !strings.Contains(link, "/namespaces/") || !strings.Contains(link, "/tables/") {
		return found{}, fmt.Errorf("it names no table: say which is meant with table: {name: NAMESPACE.TABLE}, or give the table's own address, .../v1/namespaces/NAMESPACE/tables/TABLE")
	}
	var answer struct {
		MetadataLocation string          `json:"metadata-location"`
		Metadata         json.RawMessage `json:"metadata"`
	}
	if err := ask(ctx, link, &answer); err != nil {
		return found{}, err
	}
	if len(answer.Metadata) == 0 {
		return found{}, &CatalogError{URL: address.Redact(link), What: "its answer has no metadata: want that of the REST catalog spec for a table"}
	}
	meta, err := parseMetadata(answer.Metadata)
	if err != nil {
		return found{}, fmt.Errorf("the metadata that catalog %s gives: %w", address.Redact(link), err)
	}
	return found{meta: meta}, nil
}

// nameUnit joins the parts of a namespace in addresses.
const nameUnit = "\x1f"

// tableLink is the address of a table: the catalog's config says what stands before it.
func tableLink(ctx context.Context, root string, at model.TableAt) (string, error) {
	parts := strings.Split(at.Name, ".")
	if len(parts) < 2 {
		return "", fmt.Errorf("table.name is %q: want NAMESPACE.TABLE", at.Name)
	}
	root = strings.TrimSuffix(root, "/v1")
	query := ""
	if at.Warehouse != "" {
		query = "?warehouse=" + url.QueryEscape(at.Warehouse)
	}
	var config struct {
		Defaults  map[string]any `json:"defaults"`
		Overrides map[string]any `json:"overrides"`
	}
	if err := ask(ctx, root+"/v1/config"+query, &config); err != nil {
		return "", err
	}
	setting := func(name, other string) string {
		for _, from := range []map[string]any{config.Overrides, config.Defaults} {
			if text, ok := from[name].(string); ok && text != "" {
				return text
			}
		}
		return other
	}
	link := root + "/v1"
	if prefix := setting("prefix", ""); prefix != "" {
		link += "/" + escaped(prefix)
	}
	separator := setting("namespace-separator", url.PathEscape(nameUnit))
	names := make([]string, len(parts)-1)
	for i, part := range parts[:len(parts)-1] {
		names[i] = url.PathEscape(part)
	}
	return link + "/namespaces/" + strings.Join(names, separator) + "/tables/" + url.PathEscape(parts[len(parts)-1]), nil
}

// escaped is a prefix, whose parts stand in the address each by itself.
func escaped(prefix string) string {
	parts := strings.Split(strings.Trim(prefix, "/"), "/")
	for i := range parts {
		parts[i] = url.PathEscape(parts[i])
	}
	return strings.Join(parts, "/")
}

// tries is how often a catalog is asked that is busy or does not answer, and firstPause how long it is left in peace before the second
// time; each later pause is three times as long. mostPause bounds what a catalog may ask for itself.
const (
	tries      = 4
	firstPause = 200 * time.Millisecond
	mostPause  = 10 * time.Second
)

// ask gets JSON from a catalog, after some tries where it is busy.
func ask(ctx context.Context, link string, into any) error {
	pause := firstPause
	for try := 1; ; try++ {
		err := askOnce(ctx, link, into)
		var say *CatalogError
		if err == nil || try == tries || !errors.As(err, &say) || !say.busy {
			return err
		}
		timer := time.NewTimer(min(max(pause, say.after), mostPause))
		select {
		case <-ctx.Done():
			timer.Stop()
			return context.Cause(ctx)
		case <-timer.C:
		}
		pause *= 3
	}
}

func askOnce(ctx context.Context, link string, into any) error {
	shown := address.Redact(link)
	ctx, cancel := context.WithTimeout(ctx, catalogPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return &CatalogError{URL: shown, What: "it is no address of a server"}
	}
	if request.URL.User != nil {
		return &CatalogError{URL: shown, What: "credentials do not belong into an address: set the environment variable " + TokenVariable}
	}
	request.Header.Set("Accept", "application/json")
	token := os.Getenv(TokenVariable)
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	client := http.Client{CheckRedirect: func(next *http.Request, via []*http.Request) error {
		if next.URL.Host != via[0].URL.Host || next.URL.Scheme != via[0].URL.Scheme {
			return errElsewhere
		}
		return nil
	}}
	answer, err := client.Do(request)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err
		}
		return &CatalogError{URL: shown, What: fmt.Sprintf("it does not answer (%v): check the address and that the catalog runs", err), Passing: true, busy: !errors.Is(err, errElsewhere)}
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return refusal(answer, shown, token != "")
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, mostMetadata))
	if err != nil {
		return &CatalogError{URL: shown, What: fmt.Sprintf("its answer broke off (%v): run again", err), Passing: true, busy: true}
	}
	if err := json.Unmarshal(data, into); err != nil {
		return &CatalogError{URL: shown, What: "its answer is no JSON: want the address of a REST catalog of Iceberg"}
	}
	return nil
}

// refusal says what a catalog's status means.
func refusal(answer *http.Response, shown string, withToken bool) error {
	var said struct {
		Error struct {
			Message string `json:"message"`
			Type    string `json:"type"`
		} `json:"error"`
	}
	data, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if err == nil {
		err = json.Unmarshal(data, &said)
	}
	what := fmt.Sprintf("it answers %s", answer.Status)
	if err == nil && said.Error.Message != "" {
		what += fmt.Sprintf(" (%.300s)", said.Error.Message)
	}
	refused := &CatalogError{URL: shown, What: what}
	switch status := answer.StatusCode; {
	case (status == http.StatusUnauthorized || status == 419) && !withToken:
		refused.What += ": set the environment variable " + TokenVariable + " to a bearer token"
	case status == http.StatusUnauthorized || status == 419:
		refused.What += ": the token in " + TokenVariable + " is not known to it, or has expired"
		refused.Passing = true
	case status == http.StatusForbidden:
		refused.What += ": the token may not read the table"
		refused.Passing = true
	case status == http.StatusNotFound:
		refused.What += ": check the address, the namespace and the name of the table"
	case status == http.StatusTooManyRequests || status >= 500:
		refused.What += ": run again"
		refused.Passing, refused.busy = true, status != http.StatusNotImplemented
		if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds > 0 {
			refused.after = time.Duration(min(seconds, int(mostPause/time.Second))) * time.Second
		}
	}
	return refused
}

// errElsewhere is a catalog that sends its clients away: the token is for its own host.
var errElsewhere = errors.New("it leads to another server")
