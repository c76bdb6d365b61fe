package kept

// Settled are the entities of some files together, with the newest instant of each: what the files say one by one, added up once. It speaks
// of all of its files or of none, for of an entity nobody can tell which file had its newest instant.
type Settled struct {
	// Covered are the files; of each its identity and its state count.
	Covered []File
	// At says where the rows of tables are.
	At map[string][]Range

	pack *Pack
}

// Covers says that one of the covered files is a known one, as List.Covers does.
func (s *Settled) Covers(i int, known *File) bool { return covers(s.pack, &s.Covered[i], known) }

// Pack is where the rows are.
func (s *Settled) Pack() *Pack { return s.pack }

// settled says that a list is of entities, and holds for all of its files or none.
func (l listed) settled() bool {
	_, narrow := l.at[SettledName]
	_, wide := l.at[WideSettledName]
	return narrow || wide
}

// SettledName and WideSettledName are the tables of settled entities that are told by an integer, and by a hash.
const (
	SettledName     = "settled"
	WideSettledName = "settled_by_hash"
)

// Settled gives the newest entities of a name; nil for none.
func (d *Dir) Settled(name string) (*Settled, error) {
	at, known := d.listed(name)
	if !known {
		return nil, nil
	}
	covered, err := coveredBy(at)
	if err != nil {
		return nil, err
	}
	return &Settled{Covered: covered, At: at.at, pack: at.pack}, nil
}

// SetSettled keeps the entities of files under a name. Their rows are in the pack of this run already.
func (d *Dir) SetSettled(name string, covered []File, at map[string][]Range) {
	d.setList(name, covered, at)
}
