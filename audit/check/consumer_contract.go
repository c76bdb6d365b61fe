package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/model"
	"github.com/featureaudit/featureaudit/audit/policy"
	"github.com/featureaudit/featureaudit/audit/report"
	"github.com/featureaudit/featureaudit/audit/times"
	"github.com/featureaudit/featureaudit/audit/words"
)

var consumerContract = Check{
	ID:       "consumer-contract",
	Title:    "A consumer's contract cannot protect it.",
	Why:      "A contract that names no view is never asserted, and one looser than the ttl lets features through that expired long ago.",
	Fix:      "Correct the view's name, or set the consumer's max_age to the view's ttl or less.",
	Since:    "0.1",
	rule:     consumerContractRule,
	Scope:    ScopeRun,
	Severity: report.SeverityError,
	Evidence: report.Certain,
	Unit:     UnitContracts,
	judgeRun: judgeContracts,
	nothing:  always("no consumer is declared"),
	bad:      always("name no known view, or are looser than its ttl"),
	good:     always("name a known view and are no looser than its ttl"),
}

const consumerContractRule = `For each view that a consumer names: bad if no definition has a view of that
name, or if the contract's max_age is longer than the view's ttl. A view
without a ttl allows any max_age.`

func judgeContracts(in RunInput) verdict {
	v := verdict{}
	for _, c := range in.Consumers {
		for _, contract := range c.Views {
			r := row{total: 1, subject: report.Subject{Object: fmt.Sprintf("%s: %s", c.Name, contract.View)}}
			if r.message = contractProblem(c, contract, in.Views); r.message != "" {
				r.bad = 1
			}
			v.rows = append(v.rows, r)
		}
	}
	return v
}

// contractProblem says what is wrong with one contract, "" where nothing is.
func contractProblem(c model.Consumer, contract model.ConsumerView, views []model.View) string {
	i := slices.IndexFunc(views, func(v model.View) bool { return v.Name == contract.View })
	if i < 0 {
		names := make([]string, len(views))
		for i, v := range views {
			names[i] = v.Name
		}
		return strings.TrimRight(fmt.Sprintf("consumer %s (%s) names the view %q, which no definition has: %s", c.Name, c.Origin, contract.View,
			policy.DidYouMean(contract.View, names)), ": ")
	}
	ttl := views[i].TTL
	if !ttl.Effective() || contract.MaxAge <= ttl.Duration {
		return ""
	}
	return fmt.Sprintf("consumer %s (%s) takes %s up to %s old, and its ttl is %s", c.Name, c.Origin, contract.View,
		words.Duration(times.SpanOf(contract.MaxAge)), words.Duration(times.SpanOf(ttl.Duration)))
}
