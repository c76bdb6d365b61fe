package report

import (
	"bytes"
	"slices"
)

// Schema is the identifier and version of the document.
const Schema = "featureaudit.report/v1"

// Outcome is what was concluded of one check, view or run. The zero value is invalid on purpose.
type Outcome string

// The outcomes. Nothing looked at is never a pass; error means that the audit could not look.
const (
	Pass          Outcome = "pass"
	Warn          Outcome = "warn"
	Fail          Outcome = "fail"
	Suppressed    Outcome = "suppressed"
	NotApplicable Outcome = "not_applicable"
	Error         Outcome = "error"
)

// Severity is how much a finding of a check weighs.
type Severity string

// The severities: an error finding is a fail, a warn finding is a warn.
const (
	SeverityError Severity = "error"
	SeverityWarn  Severity = "warn"
)

// Evidence is how a conclusion was reached; the strengths are never blended.
type Evidence string

// The strengths of evidence.
const (
	Certain     Evidence = "certain"
	Arithmetic  Evidence = "arithmetic"
	Statistical Evidence = "statistical"
)

// Status says whether the audit ran to its end.
type Status string

// The statuses. An interrupted audit writes a partial report.
const (
	Complete Status = "complete"
	Partial  Status = "partial"
)

// Report is the whole document. Everything but Execution is the same, byte for byte, for the same input.
type Report struct {
	Schema       string    `json:"schema"`
	ID           string    `json:"id"`
	Tool         Tool      `json:"tool"`
	AsOf         string    `json:"as_of"`
	Range        string    `json:"range,omitempty"`
	Status       Status    `json:"status"`
	ConfigDigest string    `json:"config_digest"`
	Selection    Selection `json:"selection"`
	// Catalogue are the ids of all checks that the release knew, sorted: with Selection it promises which results there are.
	// Absent in reports of releases before it.
	Catalogue []string `json:"catalogue,omitempty"`
	// Narrowed is set where this is a part of another report.
	Narrowed *Narrowed `json:"narrowed,omitempty"`
	// History says which earlier runs the findings were compared with; nil where no history was given.
	History *History `json:"history,omitempty"`
	// Baseline says which known findings were given; nil where no baseline was.
	Baseline *Baseline `json:"baseline,omitempty"`
	// Verification says which two states verify compared; nil in a report of anything else.
	Verification *Verification `json:"verification,omitempty"`
	// HashKeyID tells with which key sensitive values were hashed, and does not give the key away; empty where they are numbered.
	HashKeyID   string       `json:"hash_key_id,omitempty"`
	Definitions []Definition `json:"definitions"`
	Summary     Summary      `json:"summary"`
	Views       []View       `json:"views"`
	Results     []Result     `json:"results"`
	Consumers   []Consumer   `json:"consumers,omitempty"`
	Corrections []Correction `json:"corrections,omitempty"`
	Execution   Execution    `json:"execution"`
}

// Tool names the versions that a result depends on.
type Tool struct {
	Version string `json:"version"`
	DuckDB  string `json:"duckdb"`
	Arrow   string `json:"arrow"`
	TZData  string `json:"tzdata"`
}

// Selection is what the run was narrowed to; empty lists mean everything.
type Selection struct {
	Views  []string `json:"views"`
	Checks []string `json:"checks"`
}

// Definition is one source of definitions that was read.
type Definition struct {
	Source        string         `json:"source"`
	Kind          string         `json:"kind"`
	Digest        string         `json:"digest"`
	UnknownFields []UnknownField `json:"unknown_fields"`
	// FeatureServices are the sets of views that models read together, where the definitions have them.
	FeatureServices []FeatureService `json:"feature_services,omitempty"`
}

// FeatureService is a set of views that a model reads together.
type FeatureService struct {
	Name    string   `json:"name"`
	Project string   `json:"project,omitempty"`
	Views   []string `json:"views"`
}

// UnknownField is a field of a definition that this version does not know, by its path.
type UnknownField struct {
	Path  string `json:"path"`
	Field string `json:"field"`
	Bytes int    `json:"bytes"`
}

// Summary counts results by outcome and what was looked at.
type Summary struct {
	Outcome       Outcome `json:"outcome"`
	Pass          int     `json:"pass"`
	Warn          int     `json:"warn"`
	Fail          int     `json:"fail"`
	Suppressed    int     `json:"suppressed"`
	NotApplicable int     `json:"not_applicable"`
	Error         int     `json:"error"`
	Views         int     `json:"views"`
	Files         int64   `json:"files"`
	Rows          int64   `json:"rows"`
	Bytes         int64   `json:"bytes"`
	// NothingToAudit says that every place was looked at and that no view has a file.
	NothingToAudit bool `json:"nothing_to_audit,omitempty"`
}

// Table is one version of a table whose log says which files and rows count.
type Table struct {
	// Format is "delta" or "iceberg", Root the table's folder.
	Format string `json:"format"`
	Root   string `json:"root"`
	// Version is the number of a Delta version or the id of an Iceberg snapshot.
	Version int64 `json:"version"`
	// CommittedAt is when it was committed, RFC 3339 UTC; absent where the log no longer says.
	CommittedAt string `json:"committed_at,omitempty"`
	// DeletedRows are in its files and do not count.
	DeletedRows int64 `json:"deleted_rows"`
	// Orphans are Parquet files in its folder that no version in its log names: they were not read. OrphanBytes is their size.
	Orphans     int64 `json:"orphans"`
	OrphanBytes int64 `json:"orphan_bytes"`
}

// View describes one audited view: what was judged, and how much of it there was.
type View struct {
	Name       string         `json:"name"`
	Project    string         `json:"project,omitempty"`
	Owner      string         `json:"owner,omitempty"`
	Outcome    Outcome        `json:"outcome"`
	Definition ViewDefinition `json:"definition"`

	Files      int64 `json:"files"`
	Partitions int64 `json:"partitions"`
	Rows       int64 `json:"rows"`
	Bytes      int64 `json:"bytes"`
	// Table is the version of the Delta or Iceberg table that was looked at; absent where files were listed by their names. Tables
	// are several, of sources with paths of their own.
	Table  *Table  `json:"table,omitempty"`
	Tables []Table `json:"tables,omitempty"`
	// FilesUnread were listed and could not be read; each is named in unreadable-file.
	FilesUnread int64 `json:"files_unread"`
	// OpenPartitions had not ended (plus complete_after) at as_of: completeness is not judged in them.
	OpenPartitions []string `json:"open_partitions"`
	// AfterAsOf counts what begins after as_of and is not judged.
	PartitionsAfterAsOf int64 `json:"partitions_after_as_of"`
	RowsAfterAsOf       int64 `json:"rows_after_as_of"`
	// IgnoredFiles were matched but are no data: markers, hidden and temporary files, checksums.
	IgnoredFiles int64 `json:"ignored_files"`
	// LeftOut names, in sentences, what the view's path matched and nobody looked at (other formats, pipes), and links: other
	// names of what was audited, which was audited once, and ways out of the view. Absent where there are none.
	LeftOut []string `json:"left_out,omitempty"`
	// OldestEventTime and NewestEventTime are RFC 3339 UTC; null where no row has one at or before as_of.
	OldestEventTime *string  `json:"oldest_event_time"`
	NewestEventTime *string  `json:"newest_event_time"`
	AgeSeconds      *float64 `json:"age_seconds"`
	// CleanFrom and CleanUntil bound the newest unbroken run of closed partitions in which no row check failed: RFC 3339
	// UTC, the latter excluded. Absent where nothing proves such a run.
	CleanFrom  *string `json:"clean_from,omitempty"`
	CleanUntil *string `json:"clean_until,omitempty"`
	// SourceLagSeconds are quantiles of ingested_at - event_time by source ("" where rows have none).
	SourceLagSeconds map[string]Lag `json:"source_lag_seconds"`
	// Series is what each partition that begins before as_of holds, oldest first and those without a date last: the newest
	// MaxSeries of them, or fewer in a report of many views, beside which SeriesLeftOut counts the older. Absent where the view has no time partitions.
	Series        []PartitionRows `json:"series,omitempty"`
	SeriesLeftOut int64           `json:"series_left_out,omitempty"`
	// LagBins are the histograms that SourceLagSeconds is made of, by source: at most MaxLagBins of each, in order, without empty ones.
	LagBins map[string][]LagBin `json:"lag_bins,omitempty"`
	// NewestBySource are the newest event times at or before as_of by source, RFC 3339 UTC; absent where rows have no source.
	NewestBySource map[string]string `json:"newest_event_time_by_source,omitempty"`
	// Notes say in words what was inferred, what was left out and why.
	Notes []string `json:"notes"`
	// EventTimeReadAs is the zone that naive event times are read in for want of a declared one; empty where none are.
	EventTimeReadAs string `json:"event_time_read_as,omitempty"`
	// Trends are what the history says of the view's measures; empty without one, and where it is too short.
	Trends []Trend `json:"trends,omitempty"`
}

// How much of what pictures are made of stands in a report.
const (
	MaxSeries  = 400
	MaxLagBins = 200
	// Of all views together; where there are many, each shows less (BoundPictures).
	MaxSeriesInAll  = 32_000
	MaxLagBinsInAll = 32_000
)

// PartitionRows is what one partition holds.
type PartitionRows struct {
	Partition string `json:"partition"`
	// Start is RFC 3339 UTC; empty where the partition has no date.
	Start string `json:"start,omitempty"`
	Rows  int64  `json:"rows"`
	// Bad counts what each check found bad here, in the unit of its result, whether it is a finding or was accepted (by
	// max_fraction or a suppression). Checks without any are absent.
	Bad map[string]int64 `json:"bad,omitempty"`
	// Missing: it is expected and not there. Open: completeness is not judged. OutOfRange: nothing is, for --range leaves it out.
	Missing    bool `json:"missing,omitempty"`
	Open       bool `json:"open,omitempty"`
	OutOfRange bool `json:"out_of_range,omitempty"`
	// State is what became of the partition between the two states that verify compares ("truncated", "stray"), RowsBefore what it held
	// before, and Content the sum of what it holds after, 32 hex digits; all absent in other reports, and Content where it is not known.
	State      string `json:"state,omitempty"`
	RowsBefore *int64 `json:"rows_before,omitempty"`
	Content    string `json:"content,omitempty"`
}

// Verification says what two states a report of verify compares, and how, so that it can be repeated.
type Verification struct {
	Before Compared `json:"before"`
	After  Compared `json:"after"`
	// Range is empty where the changed partitions are what was found.
	Range       string `json:"range,omitempty"`
	ExpectRange string `json:"expect_range,omitempty"`
	// Arguments are those of the command line that decide, with absolute paths.
	Arguments []string `json:"arguments"`
}

// Compared is one of the two states.
type Compared struct {
	// Kind is data, snapshot or report; Name what the command line calls it.
	Kind string `json:"kind"`
	Name string `json:"name"`
	// AsOf is when it was looked at, RFC 3339 UTC; empty of data, which was looked at as of the report.
	AsOf string `json:"as_of"`
}

// LagBin counts the rows whose ingested_at - event_time is at least FromSeconds and less than ToSeconds.
type LagBin struct {
	FromSeconds float64 `json:"from_seconds"`
	ToSeconds   float64 `json:"to_seconds"`
	Rows        int64   `json:"rows"`
}

// Lag holds quantiles of ingested_at - event_time in seconds, from a merged histogram: p50, p90 and p99 are the lower
// edge of the bin that holds the quantile, and ResolutionSeconds is the width of the widest of these bins. Max is exact.
type Lag struct {
	P50               float64 `json:"p50"`
	P90               float64 `json:"p90"`
	P99               float64 `json:"p99"`
	Max               float64 `json:"max"`
	Rows              int64   `json:"rows"`
	ResolutionSeconds float64 `json:"resolution_seconds"`
}

// ViewDefinition is the definition that a view was judged by, after every merge.
type ViewDefinition struct {
	Kind          string            `json:"kind,omitempty"`
	Path          string            `json:"path"`
	TTLSeconds    *float64          `json:"ttl_seconds"`
	TTLDeclared   bool              `json:"ttl_declared"`
	TTLNever      string            `json:"ttl_never,omitempty"`
	TTLOnWire     string            `json:"ttl_on_wire,omitempty"`
	MaxAgeSeconds *float64          `json:"max_age_seconds"`
	MaxLagSeconds *float64          `json:"max_lag_seconds,omitempty"`
	EventTime     string            `json:"event_time"`
	IngestedAt    string            `json:"ingested_at,omitempty"`
	Source        string            `json:"source,omitempty"`
	Sources       map[string]Source `json:"sources,omitempty"`
	Entity        []string          `json:"entity"`
	Writer        []string          `json:"writer,omitempty"`
	Key           []string          `json:"key"`
	KeyDefaulted  bool              `json:"key_defaulted,omitempty"`
	OncePer       []string          `json:"once_per,omitempty"`
	Measures      []string          `json:"measures,omitempty"`
	Zone          string            `json:"zone"`
	TimePartition *TimePartition    `json:"time_partition"`
	Reference     string            `json:"reference,omitempty"`
	ToleranceSecs float64           `json:"tolerance_seconds"`
	// Features maps a feature's name to its type, where the definitions say.
	Features map[string]string `json:"features,omitempty"`
	// Table is what names the view's table beside its path: a name on Trino or in a catalog, a branch. Settings are the keys without a place in
	// a definition of other formats, where somebody decided them, as text under their dotted names; absent in reports of 0.1.0, which have only
	// what stands above.
	Table    string            `json:"table,omitempty"`
	Settings map[string]string `json:"settings,omitzero"`
	// Origins maps a config key to the place that its value comes from.
	Origins map[string]string `json:"origins"`
}

// Source is a declared source's policy.
type Source struct {
	Zone          string   `json:"zone,omitempty"`
	MaxAgeSeconds *float64 `json:"max_age_seconds,omitempty"`
	MaxLagSeconds *float64 `json:"max_lag_seconds,omitempty"`
	Until         string   `json:"until,omitempty"`
}

// TimePartition is how the view's paths carry time.
type TimePartition struct {
	Columns              []string `json:"columns"`
	Grain                string   `json:"grain"`
	Zone                 string   `json:"zone"`
	Of                   string   `json:"of"`
	Expected             string   `json:"expected"`
	ExpectedBy           string   `json:"expected_by,omitempty"`
	CompleteAfterSeconds float64  `json:"complete_after_seconds"`
}

// Result is the verdict of one check on one view; View is "" for checks of the whole run.
type Result struct {
	Check    string   `json:"check"`
	View     string   `json:"view"`
	Owner    string   `json:"owner,omitempty"`
	Outcome  Outcome  `json:"outcome"`
	Severity Severity `json:"severity"`
	Evidence Evidence `json:"evidence"`
	// Unit is what RowsTotal and RowsBad count: rows, entities, partitions, files or view.
	Unit      string `json:"unit"`
	RowsTotal int64  `json:"rows_total"`
	RowsBad   int64  `json:"rows_bad"`
	// Message is one sentence for people; Reason says why a result is not_applicable or error.
	Message  string   `json:"message"`
	Reason   string   `json:"reason,omitempty"`
	Measures Measures `json:"measures"`
	// Findings are the worst subjects, capped; FindingsTotal is how many there are. With a history the new and the worse come first.
	Findings      []Finding `json:"findings"`
	FindingsTotal int64     `json:"findings_total"`
	// Fingerprints are those of all findings that can be followed from report to report, with their rows_bad;
	// FingerprintsSuppressed are those among them that a suppression accepted, sorted. FindingsUnfollowed counts the others:
	// findings under a name that holds in this report only.
	Fingerprints           map[string]int64 `json:"fingerprints,omitempty"`
	FingerprintsSuppressed []string         `json:"fingerprints_suppressed,omitempty"`
	FindingsUnfollowed     int64            `json:"findings_unfollowed,omitempty"`
	// Every are all findings, in the order of Findings, where this process made the report and was asked for them; a document has none.
	Every []Finding `json:"-"`
	// State is what the result is since earlier runs (new, worse, continuing, better or resolved), and Since the as_of of the run
	// from which on it was found in every run that looked. States counts its findings by state, and Resolved are those that are
	// gone, capped. All are empty without a history.
	State    State      `json:"state,omitempty"`
	Since    string     `json:"since,omitempty"`
	States   *States    `json:"states,omitempty"`
	Resolved []Resolved `json:"resolved,omitempty"`
	// FindingsKnown and RowsKnown are what a baseline holds of the findings, those that a suppression accepted left out.
	FindingsKnown int64 `json:"findings_known,omitempty"`
	RowsKnown     int64 `json:"rows_known,omitempty"`
	// FindingsSuppressed and RowsSuppressed are what suppressions accepted of the findings. Where others are left,
	// RowsBad, Message and the partitions are those of the rest; where none is, of what was accepted.
	FindingsSuppressed int64 `json:"findings_suppressed,omitempty"`
	RowsSuppressed     int64 `json:"rows_suppressed,omitempty"`
	// Advisory marks a check whose findings never change what a consumer is told of the view.
	Advisory bool `json:"advisory,omitempty"`
	// Retryable marks an error that another try may cure.
	Retryable bool `json:"retryable,omitempty"`
	// ExplainedBy names the check of the same view whose finding causes this one.
	ExplainedBy string `json:"explained_by,omitempty"`
	// ZoneCertainty is "certain", or "depends" with the offsets that decide in Measures.
	ZoneCertainty  string `json:"zone_certainty,omitempty"`
	FirstPartition string `json:"first_partition,omitempty"`
	LastPartition  string `json:"last_partition,omitempty"`
	// Reproduce is SQL for the DuckDB shell that returns the rows that were counted; its first lines say where it runs.
	Reproduce string `json:"reproduce,omitempty"`
	// ReproduceMissing says why there is no such SQL, where rows were counted.
	ReproduceMissing string `json:"reproduce_missing,omitempty"`
	// SuppressedBy names the reason and owner of the suppressions that accepted findings.
	SuppressedBy string `json:"suppressed_by,omitempty"`
}

// Finding is one subject of a result.
type Finding struct {
	Subject     Subject  `json:"subject"`
	RowsTotal   int64    `json:"rows_total"`
	RowsBad     int64    `json:"rows_bad"`
	Message     string   `json:"message"`
	Measures    Measures `json:"measures,omitempty"`
	Fingerprint string   `json:"fingerprint"`
	// FingerprintNote says why the finding cannot be followed from report to report; empty where it can.
	FingerprintNote string `json:"fingerprint_note,omitempty"`
	Suppressed      bool   `json:"suppressed,omitempty"`
	// State is what the finding is since earlier runs, and Since the as_of of the run from which on every run that looked found it.
	// Seen is how many runs found it, this one included, and LastRowsBad what the latest earlier runs counted, oldest first, 0 where
	// one looked and found nothing. All are empty without a history, and where the finding cannot be followed.
	State       State   `json:"state,omitempty"`
	Since       string  `json:"since,omitempty"`
	Seen        int64   `json:"seen,omitempty"`
	LastRowsBad []int64 `json:"last_rows_bad,omitempty"`
	// Known says that a baseline holds the finding, with as many rows_bad or more.
	Known bool `json:"known,omitempty"`
}

// Subject is what a finding is about. Fields that do not apply are empty.
type Subject struct {
	Partition string `json:"partition,omitempty"`
	Source    string `json:"source,omitempty"`
	File      string `json:"file,omitempty"`
	Column    string `json:"column,omitempty"`
	// Object names anything else: a suppression, a consumer, a definition.
	Object string `json:"object,omitempty"`
}

// Consumer is the verdict on one consumer's contracts.
type Consumer struct {
	Name    string         `json:"name"`
	Owner   string         `json:"owner,omitempty"`
	Outcome Outcome        `json:"outcome"`
	Views   []ConsumerView `json:"views"`
}

// ConsumerView is the verdict on one contract.
type ConsumerView struct {
	View          string   `json:"view"`
	MaxAgeSeconds *float64 `json:"max_age_seconds"`
	// LookbackSeconds is how far back the consumer reads; Accept are the verdicts that it takes, pass alone where empty.
	LookbackSeconds *float64 `json:"lookback_seconds,omitempty"`
	Accept          []string `json:"accept,omitempty"`
	Outcome         Outcome  `json:"outcome"`
	Message         string   `json:"message"`
}

// Correction is one line of the plan that would make event times comparable.
type Correction struct {
	View         string `json:"view"`
	File         string `json:"file"`
	Source       string `json:"source,omitempty"`
	ShiftSeconds *int64 `json:"shift_seconds,omitempty"`
	DeclareZone  string `json:"declare_zone,omitempty"`
	// LagFromSeconds (included) and LagToSeconds (excluded) narrow it to rows with such an ingested_at - event_time, as
	// event_time is read; without them it is for all rows of the file and source.
	LagFromSeconds *float64 `json:"lag_from_seconds,omitempty"`
	LagToSeconds   *float64 `json:"lag_to_seconds,omitempty"`
	// Rows is an estimate where a lag narrows it.
	Rows     int64    `json:"rows"`
	Evidence Evidence `json:"evidence"`
	Message  string   `json:"message"`
}

// Execution is what may differ between two runs on the same input.
type Execution struct {
	StartedAt       string            `json:"started_at"`
	FinishedAt      string            `json:"finished_at"`
	ElapsedSeconds  float64           `json:"elapsed_seconds"`
	PeakMemoryBytes int64             `json:"peak_memory_bytes"`
	Host            string            `json:"host"`
	Scheduler       map[string]string `json:"scheduler"`
	// FilesRead and RowsRead are those whose rows were read, FilesKnown and RowsKnown those whose facts an earlier run had kept.
	FilesRead  int64 `json:"files_read,omitempty"`
	RowsRead   int64 `json:"rows_read,omitempty"`
	FilesKnown int64 `json:"files_known,omitempty"`
	RowsKnown  int64 `json:"rows_known,omitempty"`
	// ReadBecause says of files that were read why facts of earlier runs were not used, by reason.
	ReadBecause map[string]int64 `json:"read_because,omitempty"`
	// Engine is what was asked of a cluster; nil where none was.
	Engine *EngineUse `json:"engine,omitempty"`
}

// EngineUse is what a run asked of a cluster, and what that took there.
type EngineUse struct {
	Name string `json:"name"`
	// Queries are all that were asked, Retries those of them that were asked again.
	Queries int64 `json:"queries"`
	Retries int64 `json:"retries"`
	// Passes counts the readings of tables, by what they were for: profile, entities, keys, rows of keys.
	Passes map[string]int64 `json:"passes"`
	// BytesRead were read from files, RowsRead and Splits processed, and BytesReceived came to this program.
	BytesRead       int64   `json:"bytes_read"`
	RowsRead        int64   `json:"rows_read"`
	Splits          int64   `json:"splits"`
	BytesReceived   int64   `json:"bytes_received"`
	CPUSeconds      float64 `json:"cpu_seconds"`
	PeakMemoryBytes int64   `json:"peak_memory_bytes"`
}

// Marshal writes the document as indented JSON with a final newline. Lists and objects that hold nothing are written
// as such, never as null: the schema promises it to readers in other languages. What no terminal should see stands as
// escapes.
func (r Report) Marshal() ([]byte, error) {
	var out bytes.Buffer
	if err := r.Write(&out); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// outcomes are all that there are, the worst first. A fail comes before an error because it is proven whatever could not
// be read.
func outcomes() []Outcome { return []Outcome{Fail, Error, Warn, Pass, Suppressed, NotApplicable} }

// Worst is the outcome of several: the first of them in the order fail, error, warn, pass, suppressed, not_applicable.
func Worst(several ...Outcome) Outcome {
	for _, o := range outcomes() {
		if slices.Contains(several, o) {
			return o
		}
	}
	return NotApplicable
}

// Weight is the outcome that a result has for an exit code or a contract: a warning of a severity that this release does
// not know weighs as a failure.
func (r Result) Weight() Outcome {
	if r.Outcome == Warn && r.Severity != SeverityWarn && r.Severity != SeverityError {
		return Fail
	}
	return r.Outcome
}

// Summarise counts the results and views of a report. Its outcome is the worst of the results'.
func (r Report) Summarise() Summary {
	s := Summary{Views: len(r.Views)}
	all := make([]Outcome, 0, len(r.Results))
	for _, res := range r.Results {
		all = append(all, res.Outcome)
		switch res.Outcome {
		case Pass:
			s.Pass++
		case Warn:
			s.Warn++
		case Fail:
			s.Fail++
		case Suppressed:
			s.Suppressed++
		case NotApplicable:
			s.NotApplicable++
		case Error:
			s.Error++
		}
	}
	s.Outcome = Worst(all...)
	for _, v := range r.Views {
		s.Files += v.Files
		s.Rows += v.Rows
		s.Bytes += v.Bytes
	}
	return s
}

// filledApart is the report without nil lists and maps where the schema demands a value; its views and results are filled one by one, as
// they are written.
func (r Report) filledApart() Report {
	r.Selection = Selection{Views: List(r.Selection.Views), Checks: List(r.Selection.Checks)}
	if r.Narrowed != nil {
		n := *r.Narrowed
		n.Checks, n.Views, n.Owners = List(n.Checks), List(n.Views), List(n.Owners)
		r.Narrowed = &n
	}
	r.Definitions = each(r.Definitions, func(d Definition) Definition {
		d.UnknownFields = List(d.UnknownFields)
		if len(d.FeatureServices) > 0 {
			d.FeatureServices = each(d.FeatureServices, func(s FeatureService) FeatureService {
				s.Views = List(s.Views)
				return s
			})
		}
		return d
	})
	if len(r.Consumers) > 0 {
		r.Consumers = each(r.Consumers, func(c Consumer) Consumer {
			c.Views = List(c.Views)
			return c
		})
	}
	r.Execution.Scheduler = object(r.Execution.Scheduler)
	if r.Verification != nil {
		v := *r.Verification
		v.Arguments = List(v.Arguments)
		r.Verification = &v
	}
	if r.History != nil {
		past := *r.History
		past.NotUsed = List(past.NotUsed)
		r.History = &past
	}
	return r
}

func (r Result) filled() Result {
	r.Findings, r.Measures = List(r.Findings), object(r.Measures)
	return r
}

func (v View) filled() View {
	v.OpenPartitions, v.Notes, v.SourceLagSeconds = List(v.OpenPartitions), List(v.Notes), object(v.SourceLagSeconds)
	d := &v.Definition
	d.Entity, d.Key, d.Origins = List(d.Entity), List(d.Key), object(d.Origins)
	if d.TimePartition != nil {
		partition := *d.TimePartition
		partition.Columns = List(partition.Columns)
		d.TimePartition = &partition
	}
	return v
}

// each is a new list with change applied to every item.
func each[T any](items []T, change func(T) T) []T {
	out := make([]T, len(items))
	for i, item := range items {
		out[i] = change(item)
	}
	return out
}

// List is a list that JSON writes as [] where it is empty.
func List[T any](items []T) []T {
	if items == nil {
		return []T{}
	}
	return items
}

func object[K comparable, V any](m map[K]V) map[K]V {
	if m == nil {
		return map[K]V{}
	}
	return m
}
