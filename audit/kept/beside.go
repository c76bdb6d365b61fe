package kept

import "maps"

// A run rests on the packs that were there when it began. Where another run trusts none of them meanwhile, reads all, and ends first, the pack of the
// first is newer by its number and may say what that other run found to be untrue: rows that were verified before a file was changed in place, a
// list of repeats among the keys that it had. So a pack says which packs its run knew, and whether it trusted them.

// since is the number up to which a pack's run knew the packs; one of an earlier release is taken to have known all before it.
func (p *Pack) since() int64 {
	if known := p.grounds.Since; known != nil {
		return *known
	}
	return p.number() - 1
}

// said is what a pack says: of files, and by lists.
type said struct {
	pack  *Pack
	files []*File
	lists map[string]listed
}

// counting is what of a pack counts: nothing of the files that a run beside its own, which trusted nothing, says otherwise, and no list then.
func counting(s said, all []said) said {
	corrected := map[string]bool{}
	beside := false
	for _, o := range all {
		if o.pack == s.pack || !o.pack.grounds.Paranoid || o.pack.number() <= s.pack.since() || o.pack.number() > s.pack.number() {
			continue
		}
		beside = true
		for _, f := range o.files {
			corrected[f.Path] = true
		}
	}
	if !beside {
		return s
	}
	out := said{pack: s.pack}
	for _, f := range s.files {
		if !corrected[f.Path] {
			out.files = append(out.files, f)
		}
	}
	return out
}

// allSaid are packs that are not damaged.
func allSaid(stock []Stock) []said {
	var all []said
	for _, s := range stock {
		if s.Damage == nil {
			all = append(all, said{s.pack, s.Files, s.lists})
		}
	}
	return all
}

// listsCounting are the newest lists of their names.
func listsCounting(stock []Stock) map[string]listed {
	lists, all := map[string]listed{}, allSaid(stock)
	for _, s := range all {
		maps.Copy(lists, counting(s, all).lists)
	}
	return lists
}
