package render

import (
	"io"
	"net/url"
	"path"
	"strings"

	"github.com/featureaudit/featureaudit/audit/diff"
)

type sarifLog struct {
	Schema  string     `json:"$schema"`
	Version string     `json:"version"`
	Runs    []sarifRun `json:"runs"`
}

type sarifRun struct {
	Tool    sarifTool     `json:"tool"`
	Results []sarifResult `json:"results"`
	// ColumnKind is required by readers that show columns.
	ColumnKind string `json:"columnKind"`
}

type sarifTool struct {
	Driver sarifDriver `json:"driver"`
}

type sarifDriver struct {
	Name  string      `json:"name"`
	Rules []sarifRule `json:"rules"`
}

type sarifRule struct {
	ID               string      `json:"id"`
	ShortDescription sarifText   `json:"shortDescription"`
	FullDescription  sarifText   `json:"fullDescription"`
	Help             sarifText   `json:"help"`
	Configuration    sarifConfig `json:"defaultConfiguration"`
}

type sarifConfig struct {
	Level string `json:"level"`
}

type sarifText struct {
	Text string `json:"text"`
}

type sarifResult struct {
	RuleID       string             `json:"ruleId"`
	RuleIndex    int                `json:"ruleIndex"`
	Level        string             `json:"level"`
	Message      sarifText          `json:"message"`
	Locations    []sarifLocation    `json:"locations"`
	Fingerprints map[string]string  `json:"partialFingerprints"`
	Suppressions []sarifSuppression `json:"suppressions,omitempty"`
}

type sarifLocation struct {
	Physical *sarifPhysical `json:"physicalLocation,omitempty"`
	Logical  []sarifLogical `json:"logicalLocations,omitempty"`
}

type sarifPhysical struct {
	Artifact sarifArtifact `json:"artifactLocation"`
	Region   *sarifRegion  `json:"region,omitempty"`
}

type sarifArtifact struct {
	URI string `json:"uri"`
}

type sarifRegion struct {
	StartLine int `json:"startLine"`
}

type sarifLogical struct {
	Name          string `json:"name"`
	QualifiedName string `json:"fullyQualifiedName"`
	Kind          string `json:"kind"`
}

type sarifSuppression struct {
	Kind          string `json:"kind"`
	Justification string `json:"justification,omitempty"`
}

// sarifLevels are SARIF's words for severities.
var sarifLevels = map[diff.Severity]string{diff.Error: "error", diff.Warn: "warning", diff.Info: "note", diff.None: "none"}

// DiffSARIF writes SARIF 2.1.0. A finding without a line of its own is located at the file of its definitions.
func DiffSARIF(w io.Writer, d diff.Document, _ Options) error {
	all := diff.RulesOf(d.Schema)
	index := map[string]int{}
	rules := make([]sarifRule, len(all))
	for i, r := range all {
		index[r.ID] = i
		rules[i] = sarifRule{
			ID: r.ID, ShortDescription: sarifText{r.Title}, FullDescription: sarifText{r.Why}, Help: sarifText{r.Fix},
			Configuration: sarifConfig{sarifLevels[r.Severity(d.For)]},
		}
	}
	run := sarifRun{Tool: sarifTool{sarifDriver{"featureaudit", rules}}, Results: []sarifResult{}, ColumnKind: "unicodeCodePoints"}
	for _, f := range d.Changes {
		run.Results = append(run.Results, sarifResultOf(d, f, index[f.Rule]))
	}
	return Document(w, sarifLog{Schema: "https://json.schemastore.org/sarif-2.1.0.json", Version: "2.1.0", Runs: []sarifRun{run}})
}

func sarifResultOf(d diff.Document, f diff.Finding, rule int) sarifResult {
	r := sarifResult{
		RuleID: f.Rule, RuleIndex: rule, Level: sarifLevels[f.Severity], Message: sarifText{findingLine(f)},
		Fingerprints: map[string]string{"featureaudit/v1": f.Fingerprint},
	}
	location := sarifLocation{Physical: sarifPhysicalOf(d, f)}
	if f.View != "" {
		location.Logical = []sarifLogical{{Name: Clean(f.View), QualifiedName: Clean(strings.TrimPrefix(f.Project+"/"+f.View+"/"+f.Object, "/")), Kind: "object"}}
	}
	r.Locations = []sarifLocation{location}
	if f.Suppressed {
		r.Suppressions = []sarifSuppression{{Kind: "external", Justification: Clean(f.SuppressedBy)}}
	}
	return r
}

func sarifPhysicalOf(d diff.Document, f diff.Finding) *sarifPhysical {
	if f.Location != nil && f.Location.Line > 0 {
		return &sarifPhysical{Artifact: sarifArtifact{artifactURI(f.Location.File)}, Region: &sarifRegion{f.Location.Line}}
	}
	if d.New == nil {
		return nil
	}
	return &sarifPhysical{Artifact: sarifArtifact{artifactURI(d.New.Source)}}
}

// artifactURI is a path as a URI reference.
func artifactURI(file string) string {
	if strings.Contains(file, "://") {
		return file
	}
	u := url.URL{Path: path.Clean(file)} // REV:PATH becomes ./REV:PATH: its colon would end a scheme
	return u.String()
}
