package kept

import (
	"errors"
	"fmt"
	"path"
	"slices"
)

// A pack may correct what older ones say, so that its loss matters as its damage does. Of each pack there is a mark beside the packs, which says that it
// was made. Whoever removes a pack for a reason removes its mark before, and once more after: a run that has just made the pack may be late with it.
// Where a mark has no pack, somebody else removed that.

// madeFolder holds the marks.
const madeFolder = "made"

// errRemoved is of a pack that has a mark and is not there.
var errRemoved = errors.New("it is gone, and no run of this release removed it: nothing that is older is used either, for it may have corrected that")

// commitPack gives a finished pack of facts its place, and marks it. A mark that cannot be made costs the notice of a loss, and no fact.
func commitPack(in place, w *Writer, number int64, note any) (string, error) {
	name, err := in.commit(w, packsFolder, number, note)
	if err == nil {
		_ = in.mark(name)
	}
	return name, err
}

// removePack takes a pack of facts away, and says that this was meant.
func removePack(in place, name string) error {
	return errors.Join(in.unmark(name), in.remove(packsFolder, name), in.unmark(name))
}

// removedOf are the packs, the oldest first, that were marked before others were listed and are not among them, and are marked still.
func removedOf(in place, marked, listed []string) ([]string, error) {
	missing := func(names []string) []string {
		return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !ours.MatchString(name) || slices.Contains(listed, name) })
	}
	if len(missing(marked)) == 0 {
		return nil, nil
	}
	still, err := in.marks()
	if err != nil {
		return nil, fmt.Errorf("which packs were made cannot be listed: %w", err)
	}
	return inOrder(slices.DeleteFunc(missing(marked), func(name string) bool { return !slices.Contains(still, name) })), nil
}

// removedPack is the damage of such a pack.
func removedPack(in place, name string) error {
	return DamagedError{Pack: in.pack(packsFolder, name), Err: errRemoved}
}

// settleRemoved takes the marks of packs away that are gone, where no pack is left that one of them may have corrected.
func settleRemoved(in place, removed, left []string) error {
	var errs []error
	for _, name := range removed {
		if !slices.ContainsFunc(left, func(other string) bool { return numberOf(path.Base(other)) <= numberOf(name) }) {
			errs = append(errs, in.unmark(name))
		}
	}
	return errors.Join(errs...)
}
