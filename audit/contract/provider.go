package contract

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/open-feature/go-sdk/openfeature"

	"github.com/featureaudit/featureaudit/audit/words"
)

// ProviderName is the name under which the provider shows itself in hooks and events.
const ProviderName = "featureaudit"

const (
	defaultPoll = time.Second
	// eventBacklog holds events until the SDK listens; what does not fit is dropped, and the next change says more.
	eventBacklog = 16
)

// ProviderOptions change how a provider watches its file. The zero value is good.
type ProviderOptions struct {
	// Poll is how often the file is looked at between evaluations, for events; 0 means a second. Answers do not depend on
	// it: every evaluation looks itself.
	Poll time.Duration
	// Now is the clock that an old audit is told by, for the stale event; nil sends none. Give time.Now.
	Now func() time.Time
	// MaxReportAge is when an audit is old; 0 means DefaultMaxReportAge.
	MaxReportAge time.Duration
}

// Provider is an OpenFeature provider over one flag file. It looks at the file on every evaluation and reads it again
// when it was replaced; a file that is gone or broken is an error at once, and never the last good answer.
type Provider struct {
	path    string
	options ProviderOptions
	events  chan openfeature.Event

	mu    sync.Mutex
	info  fs.FileInfo
	file  File
	err   error
	state openfeature.EventType
	stop  chan struct{}
	done  chan struct{}
}

var (
	_ openfeature.FeatureProvider = (*Provider)(nil)
	_ openfeature.StateHandler    = (*Provider)(nil)
	_ openfeature.EventHandler    = (*Provider)(nil)
)

// NewProvider makes a provider over the flag file at path. Nothing is read before Init.
func NewProvider(path string, options ProviderOptions) *Provider {
	if options.Poll <= 0 {
		options.Poll = defaultPoll
	}
	if options.MaxReportAge <= 0 {
		options.MaxReportAge = DefaultMaxReportAge
	}
	return &Provider{path: path, options: options, events: make(chan openfeature.Event, eventBacklog)}
}

// Metadata names the provider.
func (p *Provider) Metadata() openfeature.Metadata { return openfeature.Metadata{Name: ProviderName} }

// Hooks are none: a consumer adds its own NewHook, which knows its limits.
func (p *Provider) Hooks() []openfeature.Hook { return nil }

// EventChannel carries errors, recoveries, replaced files and audits that grew old.
func (p *Provider) EventChannel() <-chan openfeature.Event { return p.events }

// Init reads the file and starts to watch it. The error names the file and what is wrong with it; a later evaluation
// tries again.
func (p *Provider) Init(openfeature.EvaluationContext) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refresh()
	// The SDK tells of the first state itself.
	p.state = openfeature.ProviderReady
	if p.err != nil {
		p.state = openfeature.ProviderError
	}
	if p.stop == nil {
		p.stop, p.done = make(chan struct{}), make(chan struct{})
		go p.watch(p.stop, p.done)
	}
	return p.err
}

// Shutdown stops watching and returns when the watcher has ended.
func (p *Provider) Shutdown() {
	p.mu.Lock()
	stop, done := p.stop, p.done
	p.stop, p.done = nil, nil
	p.mu.Unlock()
	if stop != nil {
		close(stop)
		<-done
	}
}

func (p *Provider) watch(stop <-chan struct{}, done chan<- struct{}) {
	defer close(done)
	ticker := time.NewTicker(p.options.Poll)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			p.current()
		}
	}
}

// current is the file as it is now, with events on what changed since the last look.
func (p *Provider) current() (File, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	replaced := p.refresh()
	now, message := p.health()
	switch {
	case now != p.state && now != openfeature.ProviderReady, now == openfeature.ProviderError && replaced:
		p.send(now, message)
	case now != p.state:
		p.send(openfeature.ProviderReady, "")
		p.send(openfeature.ProviderConfigChange, "")
	case replaced:
		p.send(openfeature.ProviderConfigChange, "")
	}
	p.state = now
	return p.file, p.err
}

// health is the state that the file is in, by the event that tells of it.
func (p *Provider) health() (openfeature.EventType, string) {
	if p.err != nil {
		return openfeature.ProviderError, p.err.Error()
	}
	if p.options.Now == nil {
		return openfeature.ProviderReady, ""
	}
	audited, known := p.file.audited()
	if age := secondsBetween(audited, p.options.Now()); !known || age > p.options.MaxReportAge.Seconds() {
		return openfeature.ProviderStale, fmt.Sprintf("%s: its audit is older than %s; run the audit again", p.path, words.WholeSeconds(p.options.MaxReportAge.Seconds()))
	}
	return openfeature.ProviderReady, ""
}

// audited is when the latest of the file's flags was audited.
func (f File) audited() (time.Time, bool) {
	var latest time.Time
	for _, one := range f.flags {
		text, _ := one.metadata["audited_at"].(string)
		if t, err := ParseInstant(text); err == nil && t.After(latest) {
			latest = t
		}
	}
	return latest, !latest.IsZero()
}

func (p *Provider) send(event openfeature.EventType, message string) {
	details := openfeature.ProviderEventDetails{Message: message}
	if event == openfeature.ProviderError {
		details.ErrorCode = openfeature.GeneralCode
	}
	if event == openfeature.ProviderConfigChange {
		details.FlagChanges = p.file.Keys()
	}
	select {
	case p.events <- openfeature.Event{ProviderName: ProviderName, EventType: event, ProviderEventDetails: details}:
	default:
	}
}

// refresh reads the file again if it is another one than last time, and says whether it was. A file is another one by
// its identity, size or time, in whichever direction the time moved.
func (p *Provider) refresh() bool {
	info, err := os.Stat(p.path)
	if err != nil {
		changed := p.err == nil || p.info != nil
		p.info, p.file, p.err = nil, File{}, readError(p.path, err)
		return changed
	}
	if p.info != nil && os.SameFile(p.info, info) && p.info.Size() == info.Size() && p.info.ModTime().Equal(info.ModTime()) {
		return false
	}
	p.info = info
	p.file, p.err = Read(p.path)
	return true
}

// Read reads a flag file from disk. The error names the file and what is wrong with it.
func Read(path string) (File, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return File{}, readError(path, err)
	}
	f, err := Parse(raw)
	if err != nil {
		return File{}, fmt.Errorf("flag file %s: %w", path, err)
	}
	return f, nil
}

func readError(path string, err error) error {
	var system *fs.PathError
	if errors.As(err, &system) {
		err = system.Err
	}
	return fmt.Errorf("flag file %s: %w; write it with featureaudit run --out flagd=PATH", path, err)
}

// StringEvaluation answers the verdict of a view, by its flag's key or by a name that File.Key resolves.
func (p *Provider) StringEvaluation(_ context.Context, key, fallback string, _ openfeature.FlattenedContext) openfeature.StringResolutionDetail {
	detail := openfeature.StringResolutionDetail{Value: fallback}
	file, err := p.current()
	if err != nil {
		detail.ResolutionError, detail.Reason = openfeature.NewParseErrorResolutionError(err.Error()), openfeature.ErrorReason
		return detail
	}
	if _, err := file.Key("", key); err != nil {
		detail.ResolutionError, detail.Reason = openfeature.NewFlagNotFoundResolutionError(err.Error()), openfeature.ErrorReason
		return detail
	}
	e := file.Evidence("", key)
	detail.Reason, detail.FlagMetadata = openfeature.Reason(e.Reason), e.Metadata
	switch {
	case e.Reason == reasonError:
		detail.ResolutionError = openfeature.NewGeneralResolutionError(e.Problem)
	case e.Problem == "":
		detail.Value, detail.Variant = e.Value, e.Variant
	}
	return detail
}

// mismatch refuses a question of another type: a boolean default would say yes to every view.
func mismatch(asked string) openfeature.ProviderResolutionDetail {
	return openfeature.ProviderResolutionDetail{Reason: openfeature.ErrorReason,
		ResolutionError: openfeature.NewTypeMismatchResolutionError("a verdict is a string (pass, warn, fail, unknown), not a " + asked)}
}

// BooleanEvaluation refuses: a verdict is a string.
func (p *Provider) BooleanEvaluation(_ context.Context, _ string, fallback bool, _ openfeature.FlattenedContext) openfeature.BoolResolutionDetail {
	return openfeature.BoolResolutionDetail{Value: fallback, ProviderResolutionDetail: mismatch("boolean")}
}

// FloatEvaluation refuses: a verdict is a string.
func (p *Provider) FloatEvaluation(_ context.Context, _ string, fallback float64, _ openfeature.FlattenedContext) openfeature.FloatResolutionDetail {
	return openfeature.FloatResolutionDetail{Value: fallback, ProviderResolutionDetail: mismatch("number")}
}

// IntEvaluation refuses: a verdict is a string.
func (p *Provider) IntEvaluation(_ context.Context, _ string, fallback int64, _ openfeature.FlattenedContext) openfeature.IntResolutionDetail {
	return openfeature.IntResolutionDetail{Value: fallback, ProviderResolutionDetail: mismatch("number")}
}

// ObjectEvaluation refuses: a verdict is a string.
func (p *Provider) ObjectEvaluation(_ context.Context, _ string, fallback any, _ openfeature.FlattenedContext) openfeature.InterfaceResolutionDetail {
	return openfeature.InterfaceResolutionDetail{Value: fallback, ProviderResolutionDetail: mismatch("object")}
}

// isContract says whether a flag is one of ours, by its key.
func isContract(key string) bool {
	return strings.HasPrefix(key, viewPrefix) || strings.HasPrefix(key, servicePrefix)
}
