package check

import "github.com/featureaudit/featureaudit/audit/zonefit"

func (b *brief) writerExamples(s zoneSeries, p zonefit.Population) string { return "" }

func (b *brief) writerValues(g zonefit.WriterGroup) []string { return nil }
