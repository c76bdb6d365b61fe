package survey_test

import (
	"testing"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/store/local"
	"github.com/featureaudit/featureaudit/audit/survey"
)

// TestFilesThatAreNotThereAreToldApart: a table may name a file in a store that is not read here, which no other try brings; and an object is no link.
func TestFilesThatAreNotThereAreToldApart(t *testing.T) {
	_, elsewhere := local.New().Open(t.Context(), "hdfs://nn/lake/a.parquet")
	_, nowhere := local.New().Open(t.Context(), t.TempDir()+"/a.parquet")
	gone := &store.RemoteError{Kind: store.RemoteGone, Name: "s3://b/a.parquet", Cause: "there is no such object", Remedy: "check the name"}
	for name, test := range map[string]struct {
		err  error
		want facts.Problem
	}{
		"in another store": {elsewhere, facts.Problem{Kind: facts.ProblemRefused, Message: "hdfs://nn/lake/a.parquet: hdfs:// addresses are not read here, only files and folders that this machine sees: copy or mount them, and name that path"}},
		"a file":           {nowhere, facts.Problem{Kind: facts.ProblemVanished, Message: "it was listed and is gone now, or a link to nothing: run again when its writer is done, or remove the link"}},
		"an object":        {gone, facts.Problem{Kind: facts.ProblemVanished, Message: "it was listed and is gone now: run again when its writer is done"}},
	} {
		if got := survey.ProblemOf(test.err); got == nil || *got != test.want {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}
