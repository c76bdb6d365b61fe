package policy

import "time"

// Engine says what reads the rows of views.
type Engine struct {
	// Trino is how a cluster is reached; nil where none is named.
	Trino *Trino
}

// Trino is how a cluster is reached. It holds no secret: it names the variables and files that do.
type Trino struct {
	// URL is that of the coordinator, and Catalog and Schema complete the names of tables.
	URL, Catalog, Schema string
	// UserEnv, PasswordEnv and TokenEnv name variables of the environment, PasswordFile and TokenFile files.
	UserEnv, PasswordEnv, TokenEnv, PasswordFile, TokenFile string
	// CAFile holds certificates that the coordinator's is verified by.
	CAFile string
	// Source and Tags are what the cluster's resource groups choose by.
	Source string
	Tags   []string
	// Queries run at once at most, each for QueryTimeout at most; 0 for the default.
	Queries      int64
	QueryTimeout time.Duration
}

var engineKey = key[File]{
	name: "engine", doc: "What reads the rows of views. Default: DuckDB, in this process.",
	schema: objectSchema(engineKeys),
	read: func(c cursor, f *File) {
		if c.isMap("a map such as {trino: {url: https://trino.example.com:8443}}") {
			readMap(c.with(c.inner()), engineKeys, &f.Engine)
		}
	},
}

var engineKeys = []key[Engine]{{
	name: "trino", doc: "The Trino cluster that counts rows where they are.",
	schema: objectSchema(trinoKeys),
	read: func(c cursor, e *Engine) {
		if !c.isMap("a map such as {url: https://trino.example.com:8443, catalog: lake}") {
			return
		}
		e.Trino = &Trino{}
		readMap(c.with(c.inner()), trinoKeys, e.Trino)
	},
}}

var trinoKeys = []key[Trino]{
	nameKey("url", "The coordinator's address, such as https://trino.example.com:8443, without a user.", func(t *Trino) *string { return &t.URL }),
	nameKey("catalog", "The catalog of tables that name none.", func(t *Trino) *string { return &t.Catalog }),
	nameKey("schema", "The schema of tables that name none.", func(t *Trino) *string { return &t.Schema }),
	nameKey("user_env", "The variable of the environment that holds the user. Default: the user featureaudit.", func(t *Trino) *string { return &t.UserEnv }),
	nameKey("password_env", "The variable that holds the password, which is sent over https only.", func(t *Trino) *string { return &t.PasswordEnv }),
	nameKey("password_file", "A file that holds the password, instead of a variable.", func(t *Trino) *string { return &t.PasswordFile }),
	nameKey("token_env", "The variable that holds an access token (JWT), which is sent over https only.", func(t *Trino) *string { return &t.TokenEnv }),
	nameKey("token_file", "A file that holds the access token, instead of a variable.", func(t *Trino) *string { return &t.TokenFile }),
	nameKey("ca_file", "A file of certificates that the coordinator's is verified by. Default: the system's.", func(t *Trino) *string { return &t.CAFile }),
	nameKey("source", "What the cluster's resource groups choose by, as the source of a query. Default: featureaudit.", func(t *Trino) *string { return &t.Source }),
	valueKey("tags", "More client tags that resource groups choose by.", ref("columns"),
		func(c cursor) ([]string, bool) {
			return readWords(c, "tag", func(c cursor) (string, bool) { return readName(c, "a tag") })
		},
		func(t *Trino) *[]string { return &t.Tags }),
	valueKey("queries", "How many queries run at once at most. Default 2.", schema{"type": "integer", "minimum": 1},
		func(c cursor) (int64, bool) { return readInt(c, 1, "a whole number of queries, 1 or more") }, func(t *Trino) *int64 { return &t.Queries }),
	durationKey("query_timeout", "How long one query may take. Default 1h.", above, func(t *Trino) *time.Duration { return &t.QueryTimeout }),
}

func nameKey(name, doc string, at func(*Trino) *string) key[Trino] {
	return textKey(name, doc, func(c cursor) (string, bool) { return readName(c, "a text") }, at)
}
