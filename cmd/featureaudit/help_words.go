package main

// example is one line that a user may type, and what it is for.
type example struct{ says, line string }

// examplesOf are the examples of a command's help.
func examplesOf(name string) []example {
	return map[string][]example{
		"align": {
			{"correct a copy of the views that a report has corrections for", "featureaudit align --report report.json --out-dir corrected"},
			{"correct rows whose offset is only statistical as well", "featureaudit align --report report.json --out-dir corrected --accept statistical"},
			{"remove what a killed align left behind", "featureaudit align --clean corrected"},
		},
		"baseline": {
			{"take the findings of today as known; then fill in the days", "featureaudit baseline report.json --out baseline.yaml"},
			{"print it instead", "featureaudit baseline report.json --out -"},
			{"only the findings of one team", "featureaudit gate report.json --owner fraud --format json | featureaudit baseline - --out fraud.yaml"},
		},
		"checks": {
			{"list the checks", "featureaudit checks"},
			{"explain one check, with its SQL", "featureaudit checks explain stale-rows"},
			{"explain a rule of diff", "featureaudit checks explain ttl-removed"},
		},
		"completion": {
			{"in this shell", "source <(featureaudit completion bash)"},
			{"zsh, in a folder of $fpath", "featureaudit completion zsh > ~/.zfunc/_featureaudit"},
			{"fish", "featureaudit completion fish > ~/.config/fish/completions/featureaudit.fish"},
		},
		"definitions": {
			{"a Feast registry", "featureaudit definitions feature_repo/data/registry.db"},
			{"a folder of contracts", "featureaudit definitions contracts"},
			{"for another program", "featureaudit definitions feature_repo --format json"},
		},
		"diff": {
			{"what a branch changes, as a comment for its pull request", "featureaudit diff --merge-base origin/main:features features --out markdown=comment.md"},
			{"a registry before and after a migration", "featureaudit diff before-registry.db after-registry.db"},
			{"what changed ttls do to the stored rows", "featureaudit diff old.yaml new.yaml --data audit"},
			{"the columns and properties of two versions of a table", "featureaudit diff lake/transactions@12 lake/transactions@15"},
		},
		"facts": {
			{"what is kept, by pack and by view", "featureaudit facts list facts"},
			{"whether every pack is whole", "featureaudit facts check facts"},
			{"whether a report rests on facts that still hold", "featureaudit facts check facts featureaudit.yaml --sample 5%"},
			{"once a week", "featureaudit facts prune facts --keep 30d"},
			{"of a bucket", "featureaudit facts list s3://reports/facts"},
		},
		"gate": {
			{"fail for findings of one team", "featureaudit gate report.json --owner fraud"},
			{"refuse yesterday's report", "featureaudit gate report.json --max-report-age 30h"},
			{"one check of one view", "featureaudit gate report.json --view transactions --check duplicate-keys"},
			{"fail only on findings that are not in a baseline", "featureaudit gate report.json --baseline baseline.yaml --new-only"},
		},
		"init": {
			{"a config for a whole store", "featureaudit init store"},
			{"print it first", "featureaudit init store --out yaml=-"},
			{"for one table", "featureaudit init store/transactions"},
		},
		"lint": {
			{"a Feast repository", "featureaudit lint feature_repo"},
			{"for a code host", "featureaudit lint feature_repo --out sarif=lint.sarif"},
			{"fail on warnings too", "featureaudit lint featureaudit.yaml --fail-on warn"},
		},
		"man": {
			{"read it", "featureaudit man run | man -l -"},
			{"the page of the program", "featureaudit man | man -l -"},
			{"install all", "featureaudit man --out-dir /usr/local/share/man/man1"},
		},
		"plan": {
			{"the config of this folder", "featureaudit plan"},
			{"one view", "featureaudit plan --view transactions"},
			{"without a config", "featureaudit plan --path 'store/transactions/**/*.parquet'"},
		},
		"report": {
			{"read it again", "featureaudit report report.json"},
			{"as flags for OpenFeature", "featureaudit report report.json --out flagd=flags.json"},
			{"one line for a script", "featureaudit report report.json --format summary"},
			{"what is new for one team, as a message", "featureaudit report report.json --format slack --owner fraud --remind 7d"},
			{"the same, at most once a night", "featureaudit report report.json --format slack --owner fraud --history audit-history"},
			{"what changed between two reports", "featureaudit report diff yesterday.json report.json"},
			{"how a view did in earlier runs", "featureaudit report trend transactions --history audit-history"},
		},
		"require": {
			{"before training, by the nightly report", "featureaudit require transactions --report report.json --max-age 6h"},
			{"a training window", "featureaudit require transactions --report report.json --window 2026-11-01T00:00:00Z..2026-11-20T00:00:00Z"},
			{"look at the data now", "featureaudit require transactions --data --config featureaudit.yaml"},
		},
		"run": {
			{"the config of this folder", "featureaudit run"},
			{"one view, without a config", "featureaudit run --path 'store/transactions/**/*.parquet' --event-time event_time --key transaction_id --ttl 24h"},
			{"every night: only look; gate decides what fails", "featureaudit run --missing-view fail --out json=report.json --fail-on never"},
			{"remember each run", "featureaudit run --history audit-history"},
			{"read only files that changed since the last run", "featureaudit run --facts audit-facts"},
			{"count where the tables are", "featureaudit run --engine trino --trino-url https://trino.example.com:8443"},
			{"after a backfill", "featureaudit run --view transactions --range 2026-11-01..2026-11-03"},
		},
		"sample": {
			{"the first thousand rows of each row group", "featureaudit sample part-0.parquet --out small.parquet"},
			{"all rows", "featureaudit sample part-0.parquet --out small.parquet --rows 0 --groups 0"},
			{"as few rows as still show the fault", "featureaudit sample part-0.parquet --out small.parquet --rows 10 --groups 1"},
		},
		"schema": {
			{"let an editor check the config", "featureaudit schema config --out json=featureaudit.schema.json"},
			{"every config key as a page", "featureaudit schema config --format markdown"},
			{"what a report holds", "featureaudit schema report"},
		},
		"snapshot": {
			{"before a backfill", "featureaudit snapshot --config featureaudit.yaml --out before.snapshot"},
			{"so that rows are told apart by key later", "featureaudit snapshot --config featureaudit.yaml --out before.snapshot --with-keys"},
			{"each night, of which only what changed is read", "featureaudit snapshot --facts facts --out before.snapshot"},
			{"of one view", "featureaudit snapshot --view transactions --out transactions.snapshot"},
		},
		"verify": {
			{"three days that were filled again", "featureaudit verify --before before.snapshot --range 2026-11-01..2026-11-03"},
			{"a folder beside the store, before it is published", "featureaudit verify --before . --after staging --view transactions --range 2026-11-01..2026-11-03 --publish-plan plan.csv"},
			{"which values changed", "featureaudit verify --before backup --after . --range 2026-11-01..2026-11-03 --samples 5 --out html=verify.html"},
			{"whether what was verified lasts", "featureaudit verify --repeat verify.json"},
		},
		"version": {
			{"for a bug report", "featureaudit version"},
			{"for another program", "featureaudit version --format json"},
			{"the same", "featureaudit version --out text=-"},
		},
	}[name]
}

// exitsOf are the exit codes of a command, in its own words.
func exitsOf(name string) []exitMeaning {
	usage := exitMeaning{exitUsage, "the command line, or a file that it names, is wrong"}
	retry := exitMeaning{exitIncomplete, "could not be done, and a retry may help: I/O, rights, memory, disk"}
	interrupted := []exitMeaning{{exitSIGHUP, "interrupted by SIGHUP"}, {exitSIGINT, "interrupted by SIGINT"}, {exitSIGTERM, "interrupted by SIGTERM"}}
	switch name {
	case "":
		return exitMeanings()
	case "run":
		return exitMeanings()
	case "gate":
		return []exitMeaning{
			{exitOK, "no selected finding at or above --fail-on"},
			{exitFindings, "findings at or above --fail-on, or what could not be looked at and no retry helps"},
			{exitUsage, "the command line or the report is wrong, or the selection matches nothing"},
			{exitIncomplete, "the report is partial or too old, or holds selected results that a retry may turn into a verdict"},
			{exitNothing, "the audit found no file at all (only with --skip-empty)"},
		}
	case "require":
		return append([]exitMeaning{
			{exitOK, "every view is proven to keep its contract now"},
			{exitFindings, "a view is proven stale or failing"},
			usage,
			{exitIncomplete, "nothing is proven: no verdict, an old report, data that could not be read"},
		}, interrupted...)
	case "diff", "lint":
		return append([]exitMeaning{
			{exitOK, "no finding at or above --fail-on"},
			{exitFindings, "findings at or above --fail-on"},
			{exitUsage, "the command line or the definitions are wrong"},
			retry,
		}, interrupted...)
	case "checks", "schema", "version", "completion", "man":
		return []exitMeaning{{exitOK, "printed"}, usage, {exitIncomplete, "the output could not be written"}}
	case "verify":
		return append([]exitMeaning{
			{exitOK, "no finding at or above --fail-on: complete, correct and isolated as far as was looked at"},
			{exitFindings, "findings at or above --fail-on, or what no retry can look at: before is a report, a file is no valid Parquet"},
			{exitUsage, "the command line, a config, a snapshot or a report is wrong"},
			{exitIncomplete, "something could not be looked at, and a retry may cure it"},
		}, interrupted...)
	case "facts":
		return append([]exitMeaning{{exitOK, "listed, sound, or pruned"}, {exitFindings, "check: a pack is not sound, or the report is another where files are read again"},
			{exitUsage, "the command line or the definitions are wrong"}, retry}, interrupted...)
	case "snapshot":
		return append([]exitMeaning{{exitOK, "written"}, {exitUsage, "the command line or the definitions are wrong"},
			{exitIncomplete, "something could not be read, and is not in the snapshot"}}, interrupted...)
	case "sample":
		return []exitMeaning{{exitOK, "written"}, {exitUsage, "the command line is wrong, or the file is no valid Parquet"}, retry}
	case "report":
		return []exitMeaning{{exitOK, "written, whatever the report says"}, {exitUsage, "the command line or the report is wrong"}, retry}
	case "align":
		return append([]exitMeaning{{exitOK, "the copy is written and proved"}, {exitUsage, "the command line, the config or the report is wrong"}, retry}, interrupted...)
	}
	return append([]exitMeaning{{exitOK, "done"}, usage, retry}, interrupted...)
}
