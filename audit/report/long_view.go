package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// HeldView is a view in compact form: what the report counts of it, and the view as the document has it.
type HeldView struct {
	name, project      string
	text               string
	files, rows, bytes int64
	pictures           pictureCounts
	// whole is the view itself, where the document does not have it as it is: JSON has no place for bytes that are no UTF-8.
	whole *View
}

// HoldView gives a view in compact form.
func (h *Holder) HoldView(v View) (HeldView, error) {
	document, err := json.Marshal(v.filled())
	if err != nil {
		return HeldView{}, fmt.Errorf("hold the view %s: %w", v.Name, err)
	}
	text := string(document)
	held := HeldView{name: v.Name, project: v.Project, files: v.Files, rows: v.Rows, bytes: v.Bytes, pictures: countPictures(v)}
	if strings.Contains(text, replaced) {
		held.whole = &v
	}
	held.text, err = h.Keep(text)
	return held, err
}

// Compare puts views in the order of a document: by name.
func (h HeldView) Compare(other HeldView) int { return cmp.Compare(h.name, other.name) }

// MarshalJSON gives the view as the document has it.
func (h HeldView) MarshalJSON() ([]byte, error) { return []byte(h.text), nil }

// View is the view as it was, but that lists and maps that hold nothing are such as the document has.
func (h HeldView) View() (View, error) {
	if h.whole != nil {
		return *h.whole, nil
	}
	var v View
	if err := json.Unmarshal([]byte(h.text), &v); err != nil {
		return v, fmt.Errorf("view %s: %w", h.name, err)
	}
	return v, nil
}

// Named is the report with its views by project and name alone, and without results.
func (l Long) Named() Report {
	r := l.Rest
	r.Views, r.Results = make([]View, len(l.Views)), nil
	for i, v := range l.Views {
		r.Views[i] = View{Name: v.name, Project: v.project}
	}
	return r
}

// Retell is the report after change was made to each view with its results, which are held anew.
func (l Long) Retell(change func(*ViewResults)) (Long, error) {
	told := l
	told.Views, told.Held = make([]HeldView, 0, len(l.Views)), make([]Held, 0, len(l.Held))
	for one, err := range l.ByView() {
		if err != nil {
			return l, err
		}
		change(&one)
		if one.View.Name != "" {
			v, err := l.Holder.HoldView(one.View)
			if err != nil {
				return l, err
			}
			told.Views = append(told.Views, v)
		}
		held, err := l.Holder.Hold(one.Results)
		if err != nil {
			return l, err
		}
		told.Held = append(told.Held, held...)
	}
	return told, nil
}

// WithResult is the report with a result of the whole run, in the place of one of the same check.
func (l Long) WithResult(res Result) (Long, error) {
	held, err := l.Holder.Hold([]Result{res})
	if err != nil {
		return l, err
	}
	l.Held = slices.DeleteFunc(slices.Clone(l.Held), func(h Held) bool { return h.verdict.check == res.Check })
	l.Held = append(l.Held, held...)
	slices.SortFunc(l.Held, Held.Compare)
	return l, nil
}

// ViewResults is a view with its results.
type ViewResults struct {
	View    View
	Results []Result
}

// ByView gives the views with their results, one at a time, by name. The results of the whole run are those of a view without a name. It ends
// with the first error.
func (l Long) ByView() iter.Seq2[ViewResults, error] {
	return func(yield func(ViewResults, error) bool) {
		views, held := l.Views, l.Held
		for len(views) > 0 || len(held) > 0 {
			var name string
			switch {
			case len(views) == 0:
				name = held[0].of.name
			case len(held) == 0:
				name = views[0].name
			default:
				name = min(views[0].name, held[0].of.name)
			}
			n, m := 0, 0
			for n < len(views) && views[n].name == name {
				n++
			}
			for m < len(held) && held[m].of.name == name {
				m++
			}
			one, err := valuesOf(name, views[:n], held[:m])
			if !yield(one, err) || err != nil {
				return
			}
			views, held = views[n:], held[m:]
		}
	}
}

// OfView is the view of a name with its results, as ByView gives it.
func (l Long) OfView(name string) (ViewResults, error) {
	from, _ := slices.BinarySearchFunc(l.Views, name, func(h HeldView, name string) int { return cmp.Compare(h.name, name) })
	to := from
	for to < len(l.Views) && l.Views[to].name == name {
		to++
	}
	first, _ := slices.BinarySearchFunc(l.Held, name, func(h Held, name string) int { return cmp.Compare(h.of.name, name) })
	last := first
	for last < len(l.Held) && l.Held[last].of.name == name {
		last++
	}
	return valuesOf(name, l.Views[from:to], l.Held[first:last])
}

func valuesOf(name string, views []HeldView, held []Held) (ViewResults, error) {
	one := ViewResults{View: View{Name: name}, Results: make([]Result, len(held))}
	var err error
	for _, h := range views {
		if one.View, err = h.View(); err != nil {
			return one, err
		}
	}
	for i, h := range held {
		if one.Results[i], err = h.Result(); err != nil {
			return one, err
		}
	}
	return one, nil
}

// BoundHeldPictures is BoundPictures of views in compact form: those of which something is left out are held again.
func (h *Holder) BoundHeldPictures(views []HeldView) ([]HeldView, error) {
	var all pictureCounts
	for _, v := range views {
		all.add(v.pictures)
	}
	limits := all.limits()
	if !limits.bind {
		return views, nil
	}
	views = slices.Clone(views)
	for i, held := range views {
		if !limits.reach(held.pictures) {
			continue
		}
		v, err := held.View()
		if err == nil {
			views[i], err = h.HoldView(limits.bound(v, len(views)))
		}
		if err != nil {
			return views, err
		}
	}
	return views, nil
}
