package main

import (
	"cmp"
	"errors"
	"slices"

	"github.com/spf13/pflag"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/engine/trino"
	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/report"
)

// The engines that read rows.
const (
	engineDuckDB = "duckdb"
	engineTrino  = "trino"
)

// engineFlags say what reads the rows. What they leave out is the config's.
type engineFlags struct {
	name                                       string
	url, catalog, schema, userEnv, passwordEnv string
}

func (f *engineFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.name, "engine", "", "what reads the rows: duckdb (in this process) or trino (the cluster counts the rows of views that name a table; default: trino where the config has engine: {trino: ...})")
	flags.StringVar(&f.url, "trino-url", "", "with --engine trino: the coordinator, such as https://trino.example.com:8443")
	flags.StringVar(&f.catalog, "trino-catalog", "", "with --engine trino: the catalog of tables that name none")
	flags.StringVar(&f.schema, "trino-schema", "", "with --engine trino: the schema of tables that name none")
	flags.StringVar(&f.userEnv, "trino-user-env", "", "with --engine trino: the variable of the environment that holds the user")
	flags.StringVar(&f.passwordEnv, "trino-password-env", "", "with --engine trino: the variable that holds the password")
}

// given is the first flag that means something with Trino only, or "".
func (f engineFlags) given() string {
	for _, flag := range []struct{ name, value string }{{"--trino-url", f.url}, {"--trino-catalog", f.catalog}, {"--trino-schema", f.schema},
		{"--trino-user-env", f.userEnv}, {"--trino-password-env", f.passwordEnv}} {
		if flag.value != "" {
			return flag.name
		}
	}
	return ""
}

// cluster opens the Trino that flags and config name; nil where DuckDB reads the rows.
func (c *cli) cluster(f engineFlags, p policy.Policy) (*trino.Cluster, error) {
	name := f.name
	if name == "" && (p.Engine.Trino != nil || f.url != "") {
		name = engineTrino
	}
	name = cmp.Or(name, engineDuckDB)
	if err := oneOf("engine", name, engineDuckDB, engineTrino); err != nil {
		return nil, err
	}
	if name == engineDuckDB {
		if flag := f.given(); flag != "" {
			return nil, usagef("%s without --engine trino: leave it out", flag)
		}
		for _, v := range p.Views {
			if v.Table.Trino != "" && v.Path == "" && v.NoFiles == "" {
				return nil, usagef("view %s names a table (%s) and no path: DuckDB reads files; run with --engine trino --trino-url URL, or write its path", v.Name, v.Table.Trino)
			}
		}
		return nil, nil
	}
	if f.name != "" && !slices.ContainsFunc(p.Views, func(v model.View) bool { return v.Table.Trino != "" }) {
		return nil, usagef("--engine trino: no view names a table, so that Trino would count none of them: write table: CATALOG.SCHEMA.NAME for those that it shall count, or leave --engine out")
	}
	config, err := c.trinoConfig(f, p.Engine.Trino, p.Dir)
	if err != nil {
		return nil, usage(err)
	}
	opened, err := trino.Open(config)
	return opened, usage(err)
}

// trinoConfig is how the cluster is reached: flags go before the config. Secrets come from the environment or from files.
func (c *cli) trinoConfig(f engineFlags, named *policy.Trino, dir string) (trino.Config, error) {
	from := policy.Trino{}
	if named != nil {
		from = *named
	}
	config := trino.Config{URL: cmp.Or(f.url, from.URL), Catalog: cmp.Or(f.catalog, from.Catalog), Schema: cmp.Or(f.schema, from.Schema), CAFile: under(dir, from.CAFile),
		Source: from.Source, Tags: from.Tags, Queries: int(from.Queries), QueryTimeout: from.QueryTimeout}
	if config.URL == "" {
		return config, errors.New("--engine trino: no coordinator is named: give --trino-url, or engine: {trino: {url: ...}} in the config")
	}
	env := func(name string) string { return c.env[name] }
	var err error
	if config.User, err = trino.Secret("user", cmp.Or(f.userEnv, from.UserEnv), "", env); err != nil {
		return config, err
	}
	if config.Password, err = trino.Secret("password", cmp.Or(f.passwordEnv, from.PasswordEnv), under(dir, from.PasswordFile), env); err != nil {
		return config, err
	}
	config.Token, err = trino.Secret("token", from.TokenEnv, under(dir, from.TokenFile), env)
	return config, err
}

// elsewhere has a cluster count the rows of the views that name a table. What only files tell is refused.
func (c *cli) elsewhere(options *audit.Options, cluster *trino.Cluster, split outputsOf) error {
	if len(split.duplicates)+len(split.rows) > 0 {
		return usagef("--out duplicates and --out rows name rows by their numbers in files, which Trino does not know: run that with --engine duckdb")
	}
	for i, v := range options.Views {
		if v.Table.Trino != "" {
			options.Views[i].NoFiles = ""
		}
	}
	options.Adapters.Elsewhere = func(with audit.Elsewhere) engine.Collector {
		return trino.Collector{Cluster: cluster, Store: with.Store, Atlas: with.Atlas,
			Facts: trino.Facts{Kept: with.Kept, Paranoid: with.Paranoid, Distrusts: with.Distrusts, Hasher: with.Hasher, Release: with.Release, Stage: with.Stage}}
	}
	options.Adapters.Place = cluster.Place
	return nil
}

// used is what was asked of a cluster, for the report.
func used(cluster *trino.Cluster) *report.EngineUse {
	if cluster == nil {
		return nil
	}
	s := cluster.Spent()
	return &report.EngineUse{Name: engineTrino, Queries: s.Queries, Retries: s.Retries, Passes: s.Passes, BytesRead: s.ReadBytes, RowsRead: s.Rows, Splits: s.Splits,
		BytesReceived: s.Bytes, CPUSeconds: s.CPU.Seconds(), PeakMemoryBytes: s.PeakMemoryBytes}
}

// closeCluster lets go of connections.
func closeCluster(cluster *trino.Cluster) {
	if cluster != nil {
		_ = cluster.Close()
	}
}
