package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/pflag"
	"github.com/zeebo/xxh3"

	"github.com/featureaudit/featureaudit/audit"
	"github.com/featureaudit/featureaudit/audit/kept"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/render"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

const factsAbout = `Looks at a folder of kept facts, that of run --facts DIR, here or in a bucket. "list" says what is there, by pack and by view. "check" compares the checksums
of every pack; with a REF, a config or what run takes, it audits with the kept facts and once more reading a sample of the known files, and the two
reports must be the same. It writes nothing to DIR. "prune" drops facts that a newer look replaces, those of files that are gone or are others
now, and those of a policy under which nothing was kept for --keep; it removes damaged packs, and merges what is left of packs. A run that goes
on meanwhile has the same report: it reads again what it finds gone. Prune where the data is mounted: files that are not there are taken for gone.`

// factsCommandFlags are the flags of facts as written.
type factsCommandFlags struct {
	runFlags
	sample string
	all    bool
	keep   string
}

func (f *factsCommandFlags) add(flags *pflag.FlagSet) {
	flags.StringVar(&f.sample, "sample", "5%", "check with a REF: read so many of the known files again, the same ones each time")
	flags.BoolVar(&f.all, "all", false, "check with a REF: read all files again")
	flags.StringVar(&f.keep, "keep", "30d", "prune: drop the facts of a policy under which nothing was kept for so long")
	f.definitionFlags.add(flags)
	flags.StringVar(&f.asOf, "as-of", "", "check with a REF: judge from this instant: RFC 3339 or a date (default: now)")
	f.addLimits(flags)
	addHashKey(flags, &f.hashKey)
	f.engine.add(flags)
	f.out.add(flags, only("json", "text"))
}

// flagsOfFacts are those that each of the three takes.
func flagsOfFacts() map[string][]string {
	return map[string][]string{
		"list": {"out", "format", "color"},
		"check": {"sample", "all", "config", "path", "name", "event-time", "ingested-at", "key", "entity", "ttl", "set", "as-of", "memory-limit", "stage-limit", "temp-dir", "threads", "hash-key-file",
			"engine", "trino-url", "trino-catalog", "trino-schema", "trino-user-env", "trino-password-env", "color"},
		"prune": {"keep", "color"},
	}
}

func cmdFacts(ctx context.Context, c *cli, args []string) (int, error) {
	started := c.now()
	var f factsCommandFlags
	flags := newFlags("facts")
	f.add(flags)
	if err := c.parse(flags, "facts list|check|prune DIR [REF...] [flags]", factsAbout, args); err != nil {
		return 0, err
	}
	word, dir := flags.Arg(0), flags.Arg(1)
	takes, known := flagsOfFacts()[word]
	if !known {
		return 0, usagef("facts %q: expected list, check or prune, and then the folder: featureaudit facts list DIR", word)
	}
	if dir == "" {
		return 0, usagef("DIR is missing: usage featureaudit facts %s DIR", word)
	}
	var refused error
	flags.Visit(func(flag *pflag.Flag) {
		if !slices.Contains(takes, flag.Name) {
			refused = cmp.Or(refused, error(usagef("--%s: facts %s does not take it", flag.Name, word)))
		}
	})
	refs := flags.Args()[2:]
	if len(refs) > 0 && word != "check" {
		refused = cmp.Or(refused, error(usagef("unexpected argument %q after DIR %q: facts %s takes one", refs[0], dir, word)))
	}
	if refused != nil {
		return 0, refused
	}
	dir, err := c.factsPath(dir)
	if err != nil {
		return 0, err
	}
	switch word {
	case "list":
		return c.listFacts(ctx, dir, f.out)
	case "prune":
		return c.pruneFacts(ctx, dir, f.keep, started)
	}
	audits := len(refs) > 0 || flags.Changed("config") || flags.Changed("path")
	for _, name := range takes {
		if flags.Changed(name) && name != "color" && !audits {
			return 0, usagef("--%s: only where facts check is given what to audit: featureaudit facts check DIR featureaudit.yaml", name)
		}
	}
	if f.all && flags.Changed("sample") {
		return 0, usagef("--sample and --all: give one of them")
	}
	return c.checkFacts(ctx, dir, f, audits, refs, started)
}

// listedFacts is what facts list writes as JSON.
type listedFacts struct {
	Schema string        `json:"schema"`
	Packs  []listedPack  `json:"packs"`
	Views  []listedFiles `json:"views"`
}

type listedPack struct {
	Name  string `json:"name"`
	AsOf  string `json:"as_of,omitempty"`
	By    string `json:"by,omitempty"`
	Bytes int64  `json:"bytes"`
	Files int    `json:"files"`
	// Damage is why nothing of the pack is used.
	Damage string `json:"damage,omitempty"`
}

// listedFiles are the known files of a view by its name, under all its policies. Bytes are those of the data files.
type listedFiles struct {
	View     string `json:"view"`
	Files    int    `json:"files"`
	Rows     int64  `json:"rows"`
	Bytes    int64  `json:"bytes"`
	Oldest   string `json:"oldest_as_of"`
	Newest   string `json:"newest_as_of"`
	Policies int    `json:"policies"`
}

func (c *cli) listFacts(ctx context.Context, dir string, out outFlags) (int, error) {
	outs, err := out.outputsOr("text")
	if err != nil {
		return 0, err
	}
	for _, o := range outs {
		if inFacts(dir, o.path) {
			return 0, usagef("--out %s=%s: it lies in the facts %s, where only facts are kept: choose another path", o.format, o.path, dir)
		}
	}
	_, stock, err := c.takeFacts(ctx, dir, os.TempDir())
	if err != nil {
		return 0, err
	}
	doc := listFacts(stock)
	return exitOK, c.writeAll(outs, func(w io.Writer, format string, _ bool) error {
		if format == "json" {
			return writeJSON(w, doc)
		}
		return doc.writeText(w)
	})
}

// takeFacts lists what is in a folder of kept facts. In a bucket any folder may be named, so that one without a pack is told.
func (c *cli) takeFacts(ctx context.Context, dir, temp string) (kept.Folder, []kept.Stock, error) {
	folder, err := c.factsFolder(ctx, dir, temp, audit.StageRoom(0, temp))
	if err != nil {
		return folder, nil, err
	}
	stock, err := folder.Take(ctx)
	if err == nil && len(stock) == 0 && inBucket(dir) {
		err = usagef("facts %s: there is no pack; name a folder that run --facts has filled", store.Bare(dir))
	}
	return folder, stock, err
}

func listFacts(stock []kept.Stock) listedFacts {
	doc := listedFacts{Schema: "featureaudit.facts-list/v1", Packs: []listedPack{}, Views: []listedFiles{}}
	for _, s := range stock {
		p := listedPack{Name: s.Name, Bytes: s.Bytes, Files: len(slices.DeleteFunc(slices.Clone(s.Files), (*kept.File).Verified))}
		if s.Damage != nil {
			p.Damage = kept.Reason(s.Damage)
		} else {
			p.By, p.AsOf = s.Note.By, instantText(s.Note.AsOf)
		}
		doc.Packs = append(doc.Packs, p)
	}
	// views that are alike share what is known of a file, under the name of the last that was looked at
	type known struct{ policy, path string }
	names := map[known]map[string]bool{}
	for _, s := range stock {
		for _, file := range s.Files {
			of := known{file.Policy, file.Path}
			if names[of] == nil {
				names[of] = map[string]bool{}
			}
			names[of][file.View] = true
		}
	}
	byView := map[string][]*kept.File{}
	for _, file := range kept.Latest(stock) {
		if file.Verified() {
			continue
		}
		for name := range names[known{file.Policy, file.Path}] {
			byView[name] = append(byView[name], file)
		}
	}
	for view, files := range byView {
		l := listedFiles{View: view, Files: len(files)}
		oldest, newest, policies := files[0].AsOf, files[0].AsOf, map[string]bool{}
		for _, file := range files {
			l.Rows, l.Bytes = l.Rows+file.Rows, l.Bytes+file.Size
			oldest, newest = min(oldest, file.AsOf), max(newest, file.AsOf)
			policies[file.Policy] = true
		}
		l.Oldest, l.Newest, l.Policies = instantText(oldest), instantText(newest), len(policies)
		doc.Views = append(doc.Views, l)
	}
	slices.SortFunc(doc.Views, func(a, b listedFiles) int { return strings.Compare(a.View, b.View) })
	return doc
}

func instantText(at times.Instant) string {
	if !at.Known() {
		return ""
	}
	return at.Time().Format(time.RFC3339Nano)
}

func (l listedFacts) writeText(w io.Writer) error {
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprint(tab, "pack\tas of\tby\tsize\tfiles\n")
	for _, p := range l.Packs {
		if p.Damage == "" {
			fmt.Fprintf(tab, "%s\t%s\t%s\t%s\t%d\n", render.Clean(p.Name), p.AsOf, render.Clean(p.By), words.Size(p.Bytes), p.Files)
		}
	}
	fmt.Fprint(tab, "\nview\tfiles\trows\tdata\toldest\tnewest\tpolicies\n")
	for _, v := range l.Views {
		fmt.Fprintf(tab, "%s\t%d\t%d\t%s\t%s\t%s\t%d\n", render.Clean(v.View), v.Files, v.Rows, words.Size(v.Bytes), v.Oldest, v.Newest, v.Policies)
	}
	if err := tab.Flush(); err != nil {
		return err
	}
	for _, p := range l.Packs {
		if p.Damage != "" {
			if _, err := fmt.Fprintf(w, "not used: %s: %s\n", render.Clean(p.Name), render.Clean(p.Damage)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c *cli) pruneFacts(ctx context.Context, dir, keep string, now time.Time) (int, error) {
	span, err := policy.ParseDuration(keep)
	if err != nil {
		return 0, usagef("--keep: %w", err)
	}
	if span < 0 {
		return 0, usagef("--keep %s: expected a time that is not negative, such as 30d", keep)
	}
	folder, err := c.factsFolder(ctx, dir, os.TempDir(), audit.StageRoom(0, os.TempDir()))
	if err != nil {
		return 0, err
	}
	p, err := folder.Prune(ctx, now.Add(-span), now, version)
	if err != nil {
		return 0, err
	}
	for _, left := range p.Left {
		fmt.Fprintf(c.stdout, "left as it is: %s\n", render.Clean(left))
	}
	fmt.Fprintf(c.stdout, "facts of %d files kept; dropped: %d replaced, %d of files that are gone or are others now, %d of policies unused for %s\n",
		p.Kept, p.Replaced, p.Gone, p.Unused, render.Clean(keep))
	if p.Leftovers > 0 {
		fmt.Fprintf(c.stdout, "%s that killed runs left unfinished: removed\n", words.Count(int64(p.Leftovers), "pack"))
	}
	if p.Uploads > 0 {
		fmt.Fprintf(c.stdout, "%s that killed runs did not end: removed\n", words.Count(int64(p.Uploads), "upload"))
	}
	if p.Distrusted > 0 {
		fmt.Fprintf(c.stdout, "facts of %d files more were dropped, for they are older than a damaged pack, which may have corrected them\n", p.Distrusted)
	}
	_, err = fmt.Fprintf(c.stdout, "%d packs removed (%d damaged, %d merged into one); freed %s of %s\n", p.Removed, p.Damaged, p.Merged,
		words.Size(max(0, p.Before-p.After)), words.Size(p.Before))
	return exitOK, err
}

func (c *cli) checkFacts(ctx context.Context, dir string, f factsCommandFlags, audits bool, refs []string, started time.Time) (int, error) {
	share, err := shareOf(f.sample)
	if err != nil {
		return 0, err
	}
	folder, stock, err := c.takeFacts(ctx, dir, cmp.Or(f.tempDir, os.TempDir()))
	if err != nil {
		return 0, err
	}
	code, sound, bytes, looks := exitOK, 0, int64(0), false
	for _, s := range stock {
		err := s.Check(ctx)
		if cause := context.Cause(ctx); cause != nil {
			return 0, cause
		}
		if err != nil {
			code, looks = exitFindings, looks || strings.HasPrefix(s.Name, "looks/")
			fmt.Fprintf(c.stdout, "not sound: %s: %s\n", render.Clean(s.Name), render.Clean(kept.Reason(err)))
			continue
		}
		sound, bytes = sound+1, bytes+s.Bytes
	}
	fmt.Fprintf(c.stdout, "%d of %d packs are sound: %s agree with their checksums\n", sound, len(stock), words.Size(bytes))
	if code != exitOK {
		fmt.Fprint(c.stdout, "what is not sound is not used, and its files are read again; featureaudit facts prune removes damaged packs\n")
	}
	if looks {
		fmt.Fprint(c.stdout, "looks remember which files there were: while one is not sound none is used, and the next run begins them anew\n")
	}
	if !audits {
		return code, nil
	}
	compared, err := c.compareFacts(ctx, folder, f, share, refs, started)
	return max(code, compared), err
}

// shareOf reads a share of files such as 5%.
func shareOf(text string) (float64, error) {
	number, isShare := strings.CutSuffix(text, "%")
	share, err := strconv.ParseFloat(number, 64)
	if err != nil || !isShare || !(share > 0 && share <= 100) {
		return 0, usagef("--sample %q: expected a share above 0%% and up to 100%%, such as 5%%", text)
	}
	return share, nil
}

// compareFacts audits with what is known, and again without trusting some of it.
func (c *cli) compareFacts(ctx context.Context, folder kept.Folder, f factsCommandFlags, share float64, refs []string, started time.Time) (int, error) {
	options, resolved, err := c.runOptions(ctx, f.runFlags, refs, started)
	if err != nil {
		return 0, err
	}
	if options.Mask, err = c.mask(ctx, f.hashKey, options.Views); err != nil {
		return 0, err
	}
	cluster, err := c.cluster(f.engine, resolved)
	if err != nil {
		return 0, err
	}
	defer closeCluster(cluster)
	if cluster != nil {
		if err := c.elsewhere(&options, cluster, outputsOf{}); err != nil {
			return 0, err
		}
	}
	trusting, err := c.auditReading(ctx, f.runFlags, options, folder)
	if err != nil {
		return 0, err
	}
	options.Paranoid = f.all
	options.Distrusts = func(path string) bool { return float64(xxh3.HashString(path)%1_000_000) < share*10_000 }
	again, err := c.auditReading(ctx, f.runFlags, options, folder)
	if err != nil {
		return 0, err
	}
	if trusting.Report.Status != report.Complete || again.Report.Status != report.Complete {
		return 0, errors.New("the audit is not complete, and proves nothing of the facts: see featureaudit run")
	}
	known, read := trusting.Looked.FilesKnown, trusting.Looked.FilesKnown-again.Looked.FilesKnown
	differ, err := whereDifferent(trusting.Report, again.Report)
	if err != nil {
		return 0, err
	}
	if len(differ) > 0 {
		if err := c.sameAsBefore(ctx, folder, f, options, trusting.Report); err != nil {
			return 0, err
		}
		for _, where := range differ {
			fmt.Fprintf(c.stdout, "different: %s\n", render.Clean(where))
		}
		fmt.Fprintf(c.stdout, "the report is another where %d of %d known files are read again: a file was changed in place under its size, time and "+
			"footer, or the facts are wrong; run once with --paranoid to replace them\n", read, known)
		return exitFindings, nil
	}
	if read == 0 {
		_, err := fmt.Fprintf(c.stdout, "none of %d known files was read again, so nothing is proved of them: raise --sample, or give --all\n", known)
		return exitOK, err
	}
	_, err = fmt.Fprintf(c.stdout, "%d of %d known files were read again: the report is the same\n", read, known)
	return exitOK, err
}

// sameAsBefore audits once more with what is known: where data came or went meanwhile, no fact is to blame.
func (c *cli) sameAsBefore(ctx context.Context, folder kept.Folder, f factsCommandFlags, options audit.Options, before report.Report) error {
	options.Paranoid, options.Distrusts = false, nil
	now, err := c.auditReading(ctx, f.runFlags, options, folder)
	if err != nil {
		return err
	}
	differ, err := whereDifferent(before, now.Report)
	if err == nil && len(differ) > 0 {
		err = errors.New("the data changed while it was audited, so that nothing is proved of the facts: check again when nobody writes")
	}
	return err
}

// auditReading audits with kept facts, and writes nothing to their folder.
func (c *cli) auditReading(ctx context.Context, f runFlags, options audit.Options, folder kept.Folder) (done audit.Audit, err error) {
	if options.Facts, err = folder.OpenReading(ctx); err != nil {
		return done, err
	}
	defer func() { err = errors.Join(err, options.Facts.Close()) }()
	return c.auditWholeAside(ctx, f, options)
}

// whereDifferent names the views and checks of which two reports say other things.
func whereDifferent(a, b report.Report) ([]string, error) {
	a.Execution, b.Execution = report.Execution{}, report.Execution{}
	wholeA, errA := json.Marshal(a)
	wholeB, errB := json.Marshal(b)
	if err := errors.Join(errA, errB); err != nil || string(wholeA) == string(wholeB) {
		return nil, err
	}
	var differ []string
	of := map[string][2]string{}
	for side, r := range []report.Report{a, b} {
		for _, result := range r.Results {
			raw, err := json.Marshal(result)
			if err != nil {
				return nil, err
			}
			name := "view " + result.View + ", check " + result.Check
			if result.View == "" {
				name = "check " + result.Check
			}
			both := of[name]
			both[side] += string(raw)
			of[name] = both
		}
	}
	for name, both := range of {
		if both[0] != both[1] {
			differ = append(differ, name)
		}
	}
	slices.Sort(differ)
	if len(differ) == 0 {
		differ = []string{"the facts of the views, though no result of a check"}
	}
	return differ, nil
}
