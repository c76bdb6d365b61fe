package iceberg_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/table/iceberg"
	"github.com/featureaudit/featureaudit/fixtures/icebergtable"
)

// serve is a REST catalog with one table, shop.eu.tx, below the prefix of its warehouse; it wants a token.
func serve(t *testing.T, table *icebergtable.Table) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	var asked atomic.Int64
	answer := func(w http.ResponseWriter, status int, body any) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		if err := json.NewEncoder(w).Encode(body); err != nil {
			t.Error(err)
		}
	}
	wrong := func(w http.ResponseWriter, status int, message string) {
		answer(w, status, map[string]any{"error": map[string]any{"message": message, "type": "Exception", "code": status}})
	}
	mux.HandleFunc("/api/v1/config", func(w http.ResponseWriter, r *http.Request) {
		answer(w, 200, map[string]any{"defaults": map[string]string{}, "overrides": map[string]string{"prefix": "wh/" + r.URL.Query().Get("warehouse")}})
	})
	mux.HandleFunc("/api/v1/{rest...}", func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.EscapedPath() {
		case "/api/v1/wh/lake/namespaces/shop%1Feu/tables/tx":
			data, err := table.Metadata()
			if err != nil {
				t.Error(err)
			}
			answer(w, 200, map[string]any{"metadata-location": "file:///of/no/matter.json", "metadata": json.RawMessage(data), "config": map[string]string{"s3.secret-access-key": "x"}})
		case "/api/v1/wh/lake/namespaces/shop%1Feu/tables/text":
			_, _ = fmt.Fprint(w, "<html>")
		case "/api/v1/wh/lake/namespaces/shop%1Feu/tables/busy":
			wrong(w, 503, "later")
		case "/api/v1/wh/lake/namespaces/shop%1Feu/tables/soon":
			if asked.Add(1) < 3 {
				wrong(w, []int{429, 503}[asked.Load()%2], "later")
				return
			}
			data, err := table.Metadata()
			if err != nil {
				t.Error(err)
			}
			answer(w, 200, map[string]any{"metadata": json.RawMessage(data)})
		case "/api/v1/wh/lake/namespaces/shop%1Feu/tables/away":
			http.Redirect(w, r, "http://127.0.0.2:1/", http.StatusFound)
		default:
			wrong(w, 404, "Table does not exist: "+r.URL.Path)
		}
	})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer secret-token" {
			wrong(w, 401, "who is it")
			return
		}
		mux.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server
}

func TestCatalog(t *testing.T) {
	table := begin(t, icebergtable.Options{})
	server := serve(t, table)
	root := server.URL + "/api"
	named := func(name string) model.TableAt { return model.TableAt{Name: name, Warehouse: "lake"} }
	_, err := iceberg.Read(t.Context(), local.New(), root, named("shop.eu.tx"))
	if err == nil || !strings.Contains(err.Error(), "401 Unauthorized (who is it): set the environment variable FEATUREAUDIT_CATALOG_TOKEN to a bearer token") {
		t.Errorf("without a token: %v", err)
	}
	t.Setenv(iceberg.TokenVariable, "secret-token")
	for _, place := range []struct {
		root string
		at   model.TableAt
	}{{root, named("shop.eu.tx")}, {root + "/", named("shop.eu.tx")}, {root + "/v1", named("shop.eu.tx")}, {root + "/v1/wh/lake/namespaces/shop%1Feu/tables/tx", model.TableAt{Format: "iceberg"}}} {
		v := read(t, place.root, place.at)
		expect(t, short(t, v), "data/a.parquet [{at_day 2026-11-03}] []", "data/b.parquet [{at_day 2026-11-04}] []")
		if v.Root != table.Dir || v.Number != table.Last {
			t.Errorf("%s: snapshot %d in %s", place.root, v.Number, v.Root)
		}
	}
	if v := read(t, root, named("shop.eu.soon")); v.Number != table.Last {
		t.Errorf("a catalog that is busy at first: snapshot %d", v.Number)
	}
	for name, test := range map[string]struct {
		root    string
		at      model.TableAt
		want    string
		passing bool
	}{
		"no table":       {root, named("shop.eu.none"), "404 Not Found (Table does not exist: /api/v1/wh/lake/namespaces/shop\x1feu/tables/none): check the address", false},
		"no name":        {root, model.TableAt{Format: "iceberg"}, "it names no table: say which is meant with table: {name: NAMESPACE.TABLE}", false},
		"half a name":    {root, named("tx"), `table.name is "tx": want NAMESPACE.TABLE`, false},
		"no JSON":        {root, named("shop.eu.text"), "its answer is no JSON", false},
		"busy":           {root, named("shop.eu.busy"), "503 Service Unavailable (later): run again", true},
		"another server": {root, named("shop.eu.away"), "it leads to another server", true},
		"nobody there":   {"http://127.0.0.1:1", named("shop.eu.tx"), "it does not answer", true},
		"a password":     {strings.Replace(root, "http://", "http://me:hidden@", 1), named("shop.eu.tx"), "credentials do not belong into an address", false},
		"relocated":      {root, model.TableAt{Name: "a.b", Relocated: true}, "table.relocated is for a folder", false},
	} {
		_, err := iceberg.Read(t.Context(), local.New(), test.root, test.at)
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret-token") || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
		var catalog *iceberg.CatalogError
		if errors.As(err, &catalog) && catalog.Retryable() != test.passing {
			t.Errorf("%s: passing is %v", name, catalog.Retryable())
		}
	}
}
