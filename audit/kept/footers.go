package kept

import "errors"

// FootersTable has the ends of files that lie behind a network: the metadata of a Parquet file with the eight bytes after it. They are as the
// store gave them under the mark that the file has.
var FootersTable = Table{Name: "footers", Columns: []Column{{"file", Integer}, {"footer", Bytes}}}

// Footer is the end of a file that is still the one that was looked at, by the store's mark and its size; nil where it is not known.
func (d *Dir) Footer(path, etag string, size int64) []byte {
	if etag == "" {
		return nil
	}
	f := d.withFooter(path)
	if f == nil || f.ETag != etag || f.Size != size {
		return nil
	}
	footers, err := f.Texts(FootersTable.Name, "footer")
	var damaged DamagedError
	if errors.As(err, &damaged) {
		d.Distrust(damaged)
	}
	if err != nil || len(footers) != 1 || int64(len(footers[0])) > size {
		return nil
	}
	return []byte(footers[0])
}

// withFooter is the newest file of a path, under whatever policy, of which a footer is kept.
func (d *Dir) withFooter(path string) *File {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.footers == nil {
		d.footers = map[string]*File{}
		for _, f := range d.files {
			if before := d.footers[f.Path]; len(f.At[FootersTable.Name]) == 1 && (before == nil || before.pack.number() < f.pack.number()) {
				d.footers[f.Path] = f
			}
		}
	}
	return d.footers[path]
}
