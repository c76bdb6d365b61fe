package contract

import (
	"fmt"
	"time"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/report"
)

// WithConsumers adds each consumer's verdict to a report, judged at as_of, and renews the report's id. It is an error
// if as_of is no instant.
func WithConsumers(r report.Report, consumers []model.Consumer) (report.Report, error) {
	if len(consumers) == 0 {
		return r, nil
	}
	asOf, err := ParseInstant(r.AsOf)
	if err != nil {
		return r, fmt.Errorf("consumers: as_of %w", err)
	}
	doc, err := newDocument(r, asOf)
	if err != nil {
		return r, fmt.Errorf("consumers: %w", err)
	}
	f := doc.file()
	r.Consumers = make([]report.Consumer, 0, len(consumers))
	for _, c := range consumers {
		r.Consumers = append(r.Consumers, judgeConsumer(f, c, asOf))
	}
	if r.ID, err = r.Digest(); err != nil {
		return r, fmt.Errorf("digest of the report: %w", err)
	}
	return r, nil
}

// WithConsumersOfLong is WithConsumers of a report whose views and results are held in compact form.
func WithConsumersOfLong(l *report.Long, consumers []model.Consumer) error {
	if len(consumers) == 0 {
		return nil
	}
	r := l.Rest
	r.Views, r.Results = make([]report.View, len(l.Views)), make([]report.Result, len(l.Held))
	for i, h := range l.Views {
		v, err := h.View()
		if err != nil {
			return fmt.Errorf("consumers: %w", err)
		}
		v.Series, v.LagBins, v.Notes, v.Definition.Origins = nil, nil, nil, nil // no contract rests on them, and they are most of it
		r.Views[i] = v
	}
	for i, h := range l.Held {
		res, err := h.Result()
		if err != nil {
			return fmt.Errorf("consumers: %w", err)
		}
		res.Findings, res.Every, res.Fingerprints, res.Reproduce = nil, nil, nil, "" // nor on these
		r.Results[i] = res
	}
	judged, err := WithConsumers(r, consumers)
	if err != nil {
		return err
	}
	l.Rest.Consumers = judged.Consumers
	if l.Rest.ID, err = l.Digest(); err != nil {
		return fmt.Errorf("digest of the report: %w", err)
	}
	return nil
}

// file is the document as a reader sees it.
func (d document) file() File {
	f := File{flags: make(map[string]flag, len(d.Flags))}
	for key, one := range d.Flags {
		f.flags[key] = flag{variant: one.DefaultVariant, value: one.DefaultVariant, metadata: one.Metadata}
	}
	return f
}

func judgeConsumer(f File, c model.Consumer, asOf time.Time) report.Consumer {
	out := report.Consumer{Name: c.Name, Owner: c.Owner, Outcome: report.Pass, Views: make([]report.ConsumerView, 0, len(c.Views))}
	for _, v := range c.Views {
		answer := Decide(f.Evidence("", v.View), Question{View: v.View, MaxAge: v.MaxAge, Accept: v.Accept, Lookback: v.Lookback, Now: asOf})
		one := contractOf(v)
		one.Outcome, one.Message = answer.outcome(), answer.Message
		out.Views = append(out.Views, one)
		if out.Outcome == report.Pass || one.Outcome == report.Fail {
			out.Outcome = one.Outcome
		}
	}
	return out
}

// outcome says a verdict in the words of a report: what is unknown could not be looked at.
func (a Answer) outcome() report.Outcome {
	switch a.Verdict {
	case Pass:
		return report.Pass
	case Stale, Failed:
		return report.Fail
	default:
		return report.Error
	}
}

func positive(d time.Duration) *float64 {
	if d <= 0 {
		return nil
	}
	s := d.Seconds()
	return &s
}

// Declared are consumers as a config declares them, without a verdict.
func Declared(consumers []model.Consumer) []report.Consumer {
	out := make([]report.Consumer, 0, len(consumers))
	for _, c := range consumers {
		one := report.Consumer{Name: c.Name, Owner: c.Owner}
		for _, v := range c.Views {
			one.Views = append(one.Views, contractOf(v))
		}
		out = append(out, one)
	}
	return out
}

func contractOf(v model.ConsumerView) report.ConsumerView {
	return report.ConsumerView{View: v.View, MaxAgeSeconds: positive(v.MaxAge), LookbackSeconds: positive(v.Lookback), Accept: v.Accept}
}

// QuestionsOf are the contracts of a consumer as a report lists them, without an instant.
func QuestionsOf(c report.Consumer) []Question {
	questions := make([]Question, 0, len(c.Views))
	for _, v := range c.Views {
		q := Question{View: v.View, Accept: v.Accept}
		if v.MaxAgeSeconds != nil {
			q.MaxAge = durationOf(*v.MaxAgeSeconds)
		}
		if v.LookbackSeconds != nil {
			q.Lookback = durationOf(*v.LookbackSeconds)
		}
		questions = append(questions, q)
	}
	return questions
}

// durationOf turns seconds into a duration; what does not fit is as long as one can be.
func durationOf(s float64) time.Duration {
	const longest = time.Duration(1<<63 - 1)
	if s >= longest.Seconds() {
		return longest
	}
	return time.Duration(s * float64(time.Second))
}
