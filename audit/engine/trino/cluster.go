package trino

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trinodb/trino-go-client/trino"

	"github.com/featureaudit/featureaudit/audit/words"
)

// Config is how a cluster is reached. Secrets are values here, taken from the environment or from files by whoever makes it.
type Config struct {
	// URL is that of the coordinator, such as https://trino.example.com:8443, without a user.
	URL string
	// Catalog and Schema complete the names of tables that leave them out.
	Catalog, Schema string
	// User is who asks, Password and Token what proves it; empty for none. They are sent over TLS only.
	User, Password, Token string
	// CAFile is a file of certificates that the coordinator's is verified by; empty for the system's.
	CAFile string
	// Source and Tags are what the cluster's resource groups choose by.
	Source string
	Tags   []string
	// Queries is how many queries run at once; 0 means DefaultQueries.
	Queries int
	// QueryTimeout ends a query that takes longer; 0 means DefaultQueryTimeout.
	QueryTimeout time.Duration
	// ConnectTimeout is how long one request is tried; 0 means DefaultConnectTimeout.
	ConnectTimeout time.Duration
}

// What counts where nothing is said.
const (
	DefaultQueries      = 2
	DefaultQueryTimeout = time.Hour
	DefaultSource       = "featureaudit"
	// DefaultConnectTimeout and connectAttempts are for one request: a coordinator that does not answer is said to be down.
	DefaultConnectTimeout = 20 * time.Second
	connectAttempts       = 4
	// queryAttempts is how often a query is tried that failed for want of something that may be there the next time.
	queryAttempts = 3
)

// Cluster is a Trino that answers queries. Its methods may be called from many goroutines at once.
type Cluster struct {
	config Config
	db     *sql.DB
	places chan struct{}
	// received counts the bytes of answers, compressed as they come.
	received *atomic.Int64
	mu       sync.Mutex
	spent    Spent
	// connectors are the kinds of catalogs, by name.
	connectors map[string]string
	// footers are the sessions of footersAlone, by the catalog's name, and version is the release, once they were asked for.
	footers map[string]string
	version string
	backoff time.Duration
}

// Spent is what queries took of the cluster.
type Spent struct {
	Queries int64
	// Retries are queries that were asked again.
	Retries int64
	// Passes is how many queries read a table as a whole, by what they were for.
	Passes map[string]int64
	// ReadBytes were read from files, Rows and Splits processed, and Bytes came to this program.
	ReadBytes, Rows, Splits, Bytes int64
	CPU, Wall                      time.Duration
	PeakMemoryBytes                int64
	// Scans counts the reads of tables, by view and by what they were for.
	Scans []Scan
}

// Scan is one reading of a table.
type Scan struct {
	View, Step string
	Queries    int64
	ReadBytes  int64
}

// Open makes a cluster that is asked as a config says. Nothing is sent yet.
func Open(c Config) (*Cluster, error) {
	c.Queries = max(c.Queries, 0)
	if c.Queries == 0 {
		c.Queries = DefaultQueries
	}
	if c.QueryTimeout <= 0 {
		c.QueryTimeout = DefaultQueryTimeout
	}
	if c.Source == "" {
		c.Source = DefaultSource
	}
	if c.ConnectTimeout <= 0 {
		c.ConnectTimeout = DefaultConnectTimeout
	}
	at, err := addressOf(c)
	if err != nil {
		return nil, err
	}
	received := &atomic.Int64{}
	transport, err := newWire(c.CAFile, received)
	if err != nil {
		return nil, err
	}
	retry, attempts := c.ConnectTimeout, connectAttempts
	conf := &trino.Config{ServerURI: at.String(), Source: c.Source, Catalog: c.Catalog, Schema: c.Schema, TimeZone: "UTC", ClientTags: append([]string{"featureaudit"}, c.Tags...),
		ClientInfo: "featureaudit reads tables and changes nothing", HTTPClient: &http.Client{Transport: transport}, AccessToken: c.Token, QueryTimeout: &c.QueryTimeout,
		RequestRetryTimeout: &retry, RequestRetryMaxAttempts: &attempts}
	connector, err := trino.NewConnector(conf)
	if err != nil {
		return nil, fmt.Errorf("connect to Trino at %s: %w", c.URL, sealed(c, err))
	}
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(c.Queries)
	return &Cluster{config: c, db: db, received: received, places: make(chan struct{}, c.Queries), spent: Spent{Passes: map[string]int64{}}, connectors: map[string]string{}, footers: map[string]string{}, backoff: time.Second}, nil
}

// newWire makes the transport of a cluster. Certificates are verified by a file of them, or by those of the system.
func newWire(caFile string, received *atomic.Int64) (wire, error) {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if caFile != "" {
		raw, err := os.ReadFile(caFile)
		if err != nil {
			return wire{}, fmt.Errorf("engine.trino.ca_file: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(raw) {
			return wire{}, fmt.Errorf("engine.trino.ca_file: %s holds no certificate in PEM", caFile)
		}
		transport.TLSClientConfig = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
	}
	return wire{transport, received}, nil
}

// addressOf is the coordinator's address with who asks. A secret is never sent in the clear.
func addressOf(c Config) (*url.URL, error) {
	at, err := url.Parse(c.URL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("engine.trino.url: no URL: want one such as https://trino.example.com:8443")
	case at.Scheme != "https" && at.Scheme != "http" || at.Host == "":
		return nil, fmt.Errorf("engine.trino.url: %q is no address of a coordinator: want one such as https://trino.example.com:8443", at.Redacted())
	case at.User != nil:
		return nil, fmt.Errorf("engine.trino.url: it names a user: leave the user out, and name the variables that hold user and password in user_env and password_env")
	case at.RawQuery != "" || strings.Trim(at.Path, "/") != "":
		return nil, fmt.Errorf("engine.trino.url: %q has a path or parameters: want scheme, host and port alone", at.Scheme+"://"+at.Host)
	case at.Scheme == "http" && (c.Password != "" || c.Token != ""):
		return nil, fmt.Errorf("engine.trino.url: %q is not encrypted, and a password or token would be sent over it: use https", at.Scheme+"://"+at.Host)
	}
	user := c.User
	if user == "" {
		user = "featureaudit"
	}
	at = &url.URL{Scheme: at.Scheme, Host: at.Host, User: url.User(user)}
	if c.Password != "" {
		at.User = url.UserPassword(user, c.Password)
	}
	return at, nil
}

// Close gives the connections back.
func (c *Cluster) Close() error { return c.db.Close() }

// Spent is what was spent so far.
func (c *Cluster) Spent() Spent {
	c.mu.Lock()
	defer c.mu.Unlock()
	spent := c.spent
	spent.Bytes = c.received.Load()
	spent.Scans = append([]Scan(nil), c.spent.Scans...)
	spent.Passes = map[string]int64{}
	for name, n := range c.spent.Passes {
		spent.Passes[name] = n
	}
	return spent
}

// asking is what a query is for: the view and the step name it in the cluster's list.
type asking struct {
	view, step string
	session    string
	// table says that the query reads rows of the view's table.
	table bool
	// columns takes what the answer has; nil for nobody.
	columns func([]*sql.ColumnType)
	// part says that it goes on with what another query began, whose reading of the table it is a part of.
	part bool
}

// stats gathers what the server says of one query.
type stats struct {
	mu   sync.Mutex
	id   string
	last trino.QueryProgressInfo
}

func (s *stats) Update(info trino.QueryProgressInfo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.id, s.last = info.QueryId, info
}

// query runs one query and hands its rows over, whose values are int64, string, bool, float64 or nil. It is asked again where the server
// says that another try may do, as long as no row was handed over.
func (c *Cluster) query(ctx context.Context, a asking, text string, each func(row []any) error) error {
	select {
	case c.places <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-c.places }()
	for try := 1; ; try++ {
		handed, err := c.once(ctx, a, text, each)
		if cause := context.Cause(ctx); err != nil && cause != nil {
			return cause
		}
		if err == nil || handed || try == queryAttempts || !again(err) {
			return c.explain(a, err)
		}
		c.mu.Lock()
		c.spent.Retries++
		c.mu.Unlock()
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(c.backoff << (try - 1)):
		}
	}
}

// columnsOf are the columns of the answer to a query, in small letters, with their types.
func (c *Cluster) columnsOf(ctx context.Context, a asking, text string) (map[string]string, error) {
	columns := map[string]string{}
	a.columns = func(types []*sql.ColumnType) {
		for _, t := range types {
			columns[strings.ToLower(t.Name())] = strings.ToLower(t.DatabaseTypeName())
		}
	}
	err := c.query(ctx, a, text, func([]any) error { return nil })
	return columns, err
}

// once asks once; handed says that a row was handed over.
func (c *Cluster) once(ctx context.Context, a asking, text string, each func(row []any) error) (handed bool, err error) {
	told := &stats{}
	args := []any{sql.Named("X-Trino-Progress-Callback", told), sql.Named("X-Trino-Progress-Callback-Period", time.Nanosecond),
		sql.Named("X-Trino-Client-Tags", strings.Join(append([]string{"featureaudit", "view:" + tag(a.view), "step:" + a.step}, c.config.Tags...), ","))}
	if a.session != "" {
		args = append(args, sql.Named("X-Trino-Session", a.session))
	}
	conn, err := c.db.Conn(ctx)
	if err != nil {
		return false, err
	}
	defer conn.Close()
	rows, err := conn.QueryContext(ctx, text, args...)
	if err != nil {
		return false, err
	}
	defer func() {
		err = errors.Join(err, rows.Close())
		c.count(a, told)
	}()
	types, err := rows.ColumnTypes()
	if err != nil {
		return false, err
	}
	if a.columns != nil {
		a.columns(types)
	}
	values, into := make([]any, len(types)), make([]any, len(types))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return handed, err
		}
		handed = true
		if err := each(values); err != nil {
			return handed, err
		}
	}
	return handed, rows.Err()
}

// tag is a name as a client tag can hold it.
func tag(name string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == ',' || r > '~' {
			return '_'
		}
		return r
	}, name)
}

func (c *Cluster) count(a asking, told *stats) {
	told.mu.Lock()
	last := told.last.QueryStats
	told.mu.Unlock()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.spent.Queries++
	c.spent.ReadBytes += last.PhysicalInputBytes
	c.spent.Rows += last.ProcessedRows
	c.spent.Splits += int64(last.TotalSplits)
	c.spent.CPU += time.Duration(last.CPUTimeMillis) * time.Millisecond
	c.spent.Wall += time.Duration(last.ElapsedTimeMillis) * time.Millisecond
	c.spent.PeakMemoryBytes = max(c.spent.PeakMemoryBytes, last.PeakMemoryBytes)
	if !a.table {
		return
	}
	if !a.part {
		c.spent.Passes[a.step]++
	}
	for i := range c.spent.Scans {
		if s := &c.spent.Scans[i]; s.View == a.view && s.Step == a.step {
			s.Queries++
			s.ReadBytes += last.PhysicalInputBytes
			return
		}
	}
	c.spent.Scans = append(c.spent.Scans, Scan{View: a.view, Step: a.step, Queries: 1, ReadBytes: last.PhysicalInputBytes})
}

// Error is a query that failed, with the server's own kind of error where it said one.
type Error struct {
	// Type is USER_ERROR, EXTERNAL, INTERNAL_ERROR or INSUFFICIENT_RESOURCES, and Name such as HIVE_BAD_DATA; empty where the server did
	// not answer.
	Type, Name string
	// Message is in words, without any secret.
	Message string
	retry   bool
}

func (e *Error) Error() string { return e.Message }

// Retryable says that another try may do.
func (e *Error) Retryable() bool { return e.retry }

// passing are the names of errors of the kind EXTERNAL or USER_ERROR that another try cannot cure, or can though their kind says otherwise.
var (
	lasting = map[string]bool{"HIVE_BAD_DATA": true, "HIVE_CURSOR_ERROR": false, "HIVE_UNSUPPORTED_FORMAT": true, "HIVE_INVALID_METADATA": true, "HIVE_INVALID_PARTITION_VALUE": true,
		"HIVE_PARTITION_SCHEMA_MISMATCH": true, "HIVE_FILE_NOT_FOUND": false, "ICEBERG_BAD_DATA": true, "DELTA_LAKE_BAD_DATA": true, "HIVE_METASTORE_ERROR": false,
		"EXCEEDED_LOCAL_MEMORY_LIMIT": true, "EXCEEDED_GLOBAL_MEMORY_LIMIT": true, "EXCEEDED_TIME_LIMIT": true, "EXCEEDED_CPU_LIMIT": true, "EXCEEDED_SCAN_LIMIT": true}
	waiting = map[string]bool{"QUERY_QUEUE_FULL": true, "CLUSTER_OUT_OF_MEMORY": true, "NO_NODES_AVAILABLE": true, "SERVER_SHUTTING_DOWN": true, "SERVER_STARTING_UP": true,
		"ADMINISTRATIVELY_PREEMPTED": true}
)

// failure takes the server's own words out of an error.
func failure(err error) (*trino.ErrTrino, bool) {
	var said *trino.ErrTrino
	if errors.As(err, &said) {
		return said, true
	}
	var value trino.ErrTrino
	if errors.As(err, &value) {
		return &value, true
	}
	return nil, false
}

// again says whether a query may be asked again at once: errors of the cluster or of what it reads from, but not those of the question,
// of the data, or of a limit that it would meet again.
func again(err error) bool {
	said, ok := failure(err)
	if !ok {
		var status *trino.ErrQueryFailed
		return errors.As(err, &status) && (status.StatusCode == http.StatusServiceUnavailable || status.StatusCode == http.StatusTooManyRequests || status.StatusCode == http.StatusBadGateway)
	}
	if waiting[said.ErrorName] {
		return true
	}
	switch said.ErrorType {
	case "INTERNAL_ERROR":
		return said.ErrorName != "GENERIC_INTERNAL_ERROR" && said.ErrorName != "COMPILER_ERROR"
	case "EXTERNAL":
		return !lasting[said.ErrorName]
	default:
		return false
	}
}

// retryable says whether another run may do: what the cluster or the network said, and limits of resources, but not what is wrong with
// data or definitions.
func retryable(err error) bool {
	said, ok := failure(err)
	switch {
	case !ok:
		var status *trino.ErrQueryFailed
		return !errors.As(err, &status) || status.StatusCode == 0 || status.StatusCode >= 500 || status.StatusCode == http.StatusTooManyRequests
	case said.ErrorType == "USER_ERROR":
		return false
	}
	return !strings.HasSuffix(said.ErrorName, "_BAD_DATA")
}

// explain puts an error into words that name the cluster and what was asked of it.
func (c *Cluster) explain(a asking, err error) error {
	if err == nil {
		return nil
	}
	var own *ownError
	if errors.As(err, &own) {
		return own.err
	}
	e := &Error{retry: retryable(err)}
	host := c.config.URL
	if said, ok := failure(err); ok {
		e.Type, e.Name = said.ErrorType, said.ErrorName
		e.Message = fmt.Sprintf("Trino at %s could not answer (%s, %s; step %s): %s", host, said.ErrorName, said.ErrorType, a.step, oneLine(said.Message))
		if said.ErrorName == "QUERY_TEXT_TOO_LARGE" {
			e.Message += "; the query says of each file of the view what its rows are judged by: set query.max-length of the coordinator higher, or write the view's rows into fewer files"
		}
		if said.ErrorName == "QUERY_EXCEEDED_COMPILER_LIMIT" {
			e.Message += "; the query has an expression for each part of the key, entity and payload: name fewer columns in payload, or run this view with --engine duckdb"
		}
		return e
	}
	var status *trino.ErrQueryFailed
	switch {
	case errors.As(err, &status) && status.StatusCode == http.StatusUnauthorized:
		e.Message = fmt.Sprintf("Trino at %s does not take the user and password that it was given: look at the variables that user_env and password_env name", host)
	case errors.As(err, &status) && status.StatusCode == http.StatusForbidden:
		e.Message = fmt.Sprintf("Trino at %s refuses the user: %s", host, oneLine(sealed(c.config, status.Reason).Error()))
	case strings.Contains(err.Error(), "failed to verify certificate"): // the client does not wrap it
		e.retry = false
		e.Message = fmt.Sprintf("Trino at %s shows a certificate that cannot be verified, and nothing was sent: name the certificates that vouch for it in engine.trino.ca_file, or the host as it calls itself: %s",
			host, oneLine(sealed(c.config, err).Error()))
	case errors.Is(err, context.DeadlineExceeded):
		e.Message = fmt.Sprintf("Trino at %s took longer than %s to answer (step %s), the limit of engine.trino.query_timeout: the query was cancelled", host, words.Exact(c.config.QueryTimeout), a.step)
	default:
		e.Message = fmt.Sprintf("Trino at %s does not answer (tried for up to %s): %s", host, words.Exact(c.config.ConnectTimeout), oneLine(sealed(c.config, err).Error()))
	}
	return e
}

// ownError is an error of whoever took the rows: no fault of the cluster.
type ownError struct{ err error }

func (e *ownError) Error() string { return e.err.Error() }
func (e *ownError) Unwrap() error { return e.err }

// sealed is an error whose text holds no secret.
func sealed(c Config, err error) error {
	text := err.Error()
	for _, secret := range []string{c.Password, url.QueryEscape(c.Password), url.PathEscape(c.Password), c.Token} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return errors.New(text)
}

// oneLine is the first words of a text.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	const most = 500
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + " ..."
	}
	return text
}

// Secret reads a secret from the variable that is named, or from the file that is; "" where neither is.
func Secret(key, variable, file string, env func(string) string) (string, error) {
	if variable != "" {
		value := env(variable)
		if value == "" {
			return "", fmt.Errorf("engine.trino.%s_env: the environment has no %s, or an empty one", key, variable)
		}
		return value, nil
	}
	if file == "" {
		return "", nil
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", fmt.Errorf("engine.trino.%s_file: %w", key, err)
	}
	return strings.TrimRight(string(raw), "\r\n"), nil
}
