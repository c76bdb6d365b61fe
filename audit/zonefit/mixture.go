package zonefit

import (
	"math"
	"slices"
)

// parts are the shares of a writer's rows that may be at an offset, when what is looked for is how they are spread.
var parts = [...]float64{0, 0.05, 0.15, 0.3, 0.45, 0.6, 0.75, 0.9, 0.97, 1}

// wholeShare is the share of the rows at the offset whose writers have hardly any others: where rows are late by themselves, or
// where a bad line makes some writers' rows late more often than others', most writers with such rows have prompt ones too. How the
// share of such rows is spread over writers is estimated without any shape (the maximum likelihood of a mixture).
func (a *asking) wholeShare(c *cluster) float64 {
	var all mixes
	for i := range a.pens {
		p := &a.pens[i]
		if len(p.rows) < 2 || p.sure && !a.standsAt(p, 0) && !a.standsAt(p, c.offset) {
			continue
		}
		l := mix{weight: float64(len(p.rows))}
		for _, r := range p.rows {
			if o := a.offset(p, r); p.sure && o != 0 && o != c.offset {
				continue // its clock was changed
			}
			a.weigh(&l, int(r.Lag), c.offset)
		}
		all = append(all, l)
	}
	return all.whole()
}

// mix is how likely each of parts is as the share of a writer's rows that is at an offset, by logarithm; weight are its rows.
type mix struct {
	logs   [len(parts)]float64
	weight float64
}

// weigh counts a row with a lag.
func (a *asking) weigh(l *mix, lag int, offset int32) {
	home, moved := math.Exp(a.f.at(lag)), math.Exp(a.f.at(lag+int(offset)))
	for k, part := range parts {
		l.logs[k] += math.Log((1-part)*home + part*moved)
	}
}

type mixes []mix

// whole is the share of the rows at the offset whose writers have hardly any others; 0 where there are none.
func (s mixes) whole() float64 {
	whole, some := 0.0, 0.0
	for k, share := range s.mixture() {
		switch part := parts[k]; {
		case part > 0.95:
			whole += share * part
		case part >= 0.1:
			some += share * part
		}
	}
	if whole == 0 {
		return 0
	}
	return whole / (whole + some)
}

// mixture is the mixture of parts that makes the likelihoods largest.
func (s mixes) mixture() [len(parts)]float64 {
	likelihoods := make([][len(parts)]float64, len(s))
	for i := range s {
		top := slices.Max(s[i].logs[:])
		for k, l := range s[i].logs {
			likelihoods[i][k] = math.Exp(l - top)
		}
	}
	var share [len(parts)]float64
	for k := range share {
		share[k] = 1.0 / float64(len(parts))
	}
	for range 60 {
		var next [len(parts)]float64
		total := 0.0
		for i, l := range likelihoods {
			sum := 0.0
			for k := range l {
				sum += share[k] * l[k]
			}
			for k := range l {
				next[k] += s[i].weight * share[k] * l[k] / sum
			}
			total += s[i].weight
		}
		for k := range next {
			share[k] = next[k] / total
		}
	}
	return share
}
