package content

import (
	"encoding/binary"

	"github.com/apache/arrow/go/v17/parquet"
	"github.com/apache/arrow/go/v17/parquet/schema"
	"github.com/zeebo/xxh3"
)

// place is where a leaf stands in its column, however its file spells lists and maps.
type place struct {
	// path is what the leaf is called in all files: names of columns and fields, and marks for items, keys and values.
	path []byte
	// column is the name of the top-level column.
	column string
	// fields are the names from the column to the leaf, nil where lists or maps stand between.
	fields []string
	// depth says for each definition level how many steps of the way to the leaf have a value. Required steps count too, so that it
	// is the same for all files.
	depth []byte
	// nested says that one cell may have more or fewer entries than one value, or that its absence has degrees.
	nested bool
}

// The marks of a path.
const (
	markField = '.'
	markItem  = '['
	markKey   = 'k'
	markValue = 'v'
)

// placeOf follows the way from a top-level column to a leaf, by the names that they have; false of a leaf that the table does not have.
func placeOf(leaf *schema.Column, names naming) (place, bool) {
	var way []schema.Node
	for n := leaf.SchemaNode(); n.Parent() != nil; n = n.Parent() {
		way = append([]schema.Node{n}, way...)
	}
	p := placing{names: names, depth: make([]byte, 0, leaf.MaxDefinitionLevel()+1)}
	for at := 0; at < len(way); at++ {
		at += p.step(way[at:])
	}
	p.depth = append(p.depth, p.steps)
	if p.lists {
		p.fields = nil
	}
	return place{path: p.path, column: p.column, fields: p.fields, depth: p.depth, nested: len(way) > 1 || p.lists}, !p.unknown
}

// placing is a way under way.
type placing struct {
	// names are those of the next fields; unknown says that one of the way is not the table's.
	names   naming
	unknown bool
	column  string

	path   []byte
	fields []string
	depth  []byte
	steps  byte
	lists  bool
}

// field passes a field of the file or of a struct.
func (p *placing) field(n schema.Node) {
	name, within, known := p.names.of(n)
	p.names, p.unknown = within, p.unknown || !known
	if len(p.path) == 0 {
		p.column = name
	}
	p.path = append(p.path, topPath(name)...)
	p.fields = append(p.fields, name)
}

// topPath is the path of a field by its name; of a top-level column it is all of it.
func topPath(name string) []byte {
	return append(binary.AppendUvarint([]byte{markField}, uint64(len(name))), name...)
}

// unnamed passes the items of a list, or the keys or values of a map.
func (p *placing) unnamed(mark byte) {
	p.path = append(p.path, mark)
	p.lists = true
}

// optional passes a node that may be absent, or one that may not.
func (p *placing) optional(n schema.Node) {
	if n.RepetitionType() == parquet.Repetitions.Optional {
		p.depth = append(p.depth, p.steps)
	}
	p.steps++
}

// repeated passes a node that stands any number of times, and takes so many steps of the way.
func (p *placing) repeated(steps byte) {
	p.depth = append(p.depth, p.steps)
	p.steps += steps
}

// step passes the first node of a way, with what belongs to it, and gives how many nodes more it took.
func (p *placing) step(way []schema.Node) int {
	n := way[0]
	if n.RepetitionType() == parquet.Repetitions.Repeated {
		// a field that repeats without a list around it: a list that is always there, of items that are
		p.field(n)
		p.unnamed(markItem)
		p.steps++
		p.repeated(2)
		return 0
	}
	p.field(n)
	p.optional(n)
	if len(way) == 1 {
		return 0
	}
	switch n.LogicalType().(type) {
	case schema.ListLogicalType:
		return p.list(n, way[1:])
	case schema.MapLogicalType:
		return p.pairs(way[1:])
	}
	return 0
}

// list passes what stands between a list and its item.
func (p *placing) list(list schema.Node, way []schema.Node) int {
	middle := way[0]
	if middle.RepetitionType() != parquet.Repetitions.Repeated {
		return 0
	}
	p.unnamed(markItem)
	group, ok := middle.(*schema.GroupNode)
	if !ok || group.NumFields() != 1 || middle.Name() == "array" || middle.Name() == list.Name()+"_tuple" {
		p.repeated(2) // two levels: what repeats is the item itself
		return 1
	}
	p.repeated(1)
	return 1 + p.inner(way[1:])
}

// pairs passes what stands between a map and its key or value.
func (p *placing) pairs(way []schema.Node) int {
	group, ok := way[0].(*schema.GroupNode)
	if !ok || len(way) < 2 || way[0].RepetitionType() != parquet.Repetitions.Repeated {
		return 0
	}
	mark := byte(markValue)
	if group.FieldIndexByField(way[1]) == 0 {
		mark = markKey
	}
	p.unnamed(mark)
	p.repeated(1)
	return 1 + p.inner(way[1:])
}

// inner passes the item of a list or the key or value of a map, whose own name says nothing.
func (p *placing) inner(way []schema.Node) int {
	n := way[0]
	if n.RepetitionType() == parquet.Repetitions.Repeated {
		p.unnamed(markItem)
		p.steps++
		p.repeated(2)
		return 1
	}
	p.optional(n)
	if len(way) == 1 {
		return 1
	}
	switch n.LogicalType().(type) {
	case schema.ListLogicalType:
		return 1 + p.list(n, way[1:])
	case schema.MapLogicalType:
		return 1 + p.pairs(way[1:])
	}
	return 1
}

// seed is what tells the cells of a leaf from equal ones of another, or of another family.
func (p place) seed(f Family) uint64 {
	return xxh3.Hash(append(append([]byte{}, p.path...), byte(f)))
}
