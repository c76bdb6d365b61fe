package contract

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/open-feature/go-sdk/openfeature"
)

// ErrContract is what every refusal is, for errors.Is.
var ErrContract = errors.New("feature contract not kept")

// Violation is a refusal, with the answer that it rests on.
type Violation struct{ Answer Answer }

// Error is the answer's sentence.
func (v *Violation) Error() string { return v.Answer.Message }

// Is says that a Violation is an ErrContract.
func (v *Violation) Is(target error) bool { return target == ErrContract }

// Options are what a consumer asserts.
type Options struct {
	// Project of the view; "" where the provider's file has the view in one project only.
	Project string
	// MaxAge, Accept, MaxReportAge and Lookback are those of Question.
	MaxAge       time.Duration
	Accept       []string
	MaxReportAge time.Duration
	Lookback     time.Duration
	// Now is the consumer's clock: give time.Now. It has no default, so that tests and backfills cannot forget theirs.
	Now func() time.Time
}

func (o Options) question(view string) (Question, error) {
	if o.Now == nil {
		return Question{}, fmt.Errorf("%w: view %s: options have no clock; set Now to time.Now", ErrContract, view)
	}
	q := Question{View: view, MaxAge: o.MaxAge, Accept: o.Accept, MaxReportAge: o.MaxReportAge, Lookback: o.Lookback, Now: o.Now()}
	if err := q.Check(); err != nil {
		return q, fmt.Errorf("%w: %w", ErrContract, err)
	}
	return q, nil
}

// Require returns nil only if the view keeps its contract now, and else an error that is an ErrContract.
//
// It judges outside of the SDK on purpose: OpenFeature evaluations never fail, and an error of a hook merely turns the
// answer into the caller's default, which a training job then takes for a verdict.
func Require(ctx context.Context, client openfeature.IClient, view string, o Options) error {
	q, err := o.question(view)
	if err != nil {
		return err
	}
	e, err := evaluate(ctx, client, view, o.Project)
	if err != nil {
		return err
	}
	return refusal(Decide(e, q))
}

// RequireTrainingWindow returns nil only if all rows from start (included) to end (excluded) lie in partitions that the
// audit proved clean, and else an error that is an ErrContract.
func RequireTrainingWindow(ctx context.Context, client openfeature.IClient, view string, start, end time.Time, o Options) error {
	q, err := o.question(view)
	if err != nil {
		return err
	}
	if !start.Before(end) {
		return fmt.Errorf("%w: view %s: the window ends at %s, not after its start %s", ErrContract, view, formatInstant(end), formatInstant(start))
	}
	e, err := evaluate(ctx, client, view, o.Project)
	if err != nil {
		return err
	}
	return refusal(DecideWindow(e, q, start, end))
}

func refusal(a Answer) error {
	if a.Verdict == Pass {
		return nil
	}
	return &Violation{a}
}

// evaluate asks the client. The refusal of a hook that somebody registered is an error of its own: it may be stricter.
func evaluate(ctx context.Context, client openfeature.IClient, view, project string) (Evidence, error) {
	key := view
	if !isContract(view) {
		key = flagKey(viewPrefix, project, view)
	}
	details, err := client.StringValueDetails(ctx, key, VariantUnknown, openfeature.EvaluationContext{})
	var refused *Violation
	if errors.As(err, &refused) {
		return Evidence{}, refused
	}
	e := evidenceOf(details.Value, details.EvaluationDetails)
	if err != nil {
		e.Problem = err.Error()
	}
	return e, nil
}

func evidenceOf(value any, details openfeature.EvaluationDetails) Evidence {
	e := Evidence{Variant: details.Variant, Reason: string(details.Reason), Metadata: details.FlagMetadata}
	e.Value, _ = value.(string)
	if details.ErrorCode != "" {
		e.Problem = fmt.Sprintf("%s: %s", details.ErrorCode, details.ErrorMessage)
	}
	return e
}

// Hook asserts a contract on every evaluation of a feature view's flag. Its error makes the SDK return the caller's
// default: use VariantUnknown as the default, check the error, or better, call Require.
type Hook struct {
	openfeature.UnimplementedHook

	options Options
	record  func(Answer)
}

// NewHook makes a hook that asserts the options on views of any project. record is called once after each evaluation
// with the verdict on it, whoever threw; nil for none.
func NewHook(o Options, record func(Answer)) *Hook {
	return &Hook{options: o, record: record}
}

// After refuses what does not keep the contract.
func (h *Hook) After(_ context.Context, hc openfeature.HookContext, details openfeature.InterfaceEvaluationDetails, _ openfeature.HookHints) error {
	if !isContract(hc.FlagKey()) {
		return nil
	}
	answer, err := h.judge(hc, details)
	if err != nil {
		return err
	}
	return refusal(answer)
}

// Finally records the verdict. The SDK shows it the value from before the refusal, so the verdict is judged again.
func (h *Hook) Finally(_ context.Context, hc openfeature.HookContext, details openfeature.InterfaceEvaluationDetails, _ openfeature.HookHints) {
	if h.record == nil || !isContract(hc.FlagKey()) {
		return
	}
	answer, err := h.judge(hc, details)
	if err != nil {
		answer = Answer{View: hc.FlagKey(), Verdict: Unknown, Message: err.Error()}
	}
	h.record(answer)
}

func (h *Hook) judge(hc openfeature.HookContext, details openfeature.InterfaceEvaluationDetails) (Answer, error) {
	q, err := h.options.question(hc.FlagKey())
	if err != nil {
		return Answer{}, err
	}
	return Decide(evidenceOf(details.Value, details.EvaluationDetails), q), nil
}
