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

// placeOf follows the way from a top-level column to a leaf.
func placeOf(leaf *schema.Column) place {
	var way []schema.Node
	for n := leaf.SchemaNode(); n.Parent() != nil; n = n.Parent() {
		way = append([]schema.Node{n}, way...)
	}
	p := placing{depth: make([]byte, 0, leaf.MaxDefinitionLevel()+1)}
	for at := 0; at < len(way); at++ {
		at += p.step(way[at:])
	}
	p.depth = append(p.depth, p.steps)
	if p.lists {
		p.fields = nil
	}
	return place{path: p.path, fields: p.fields, depth: p.depth, nested: len(way) > 1 || p.lists}
}

// placing is a way under way.
type placing struct {
	path   []byte
	fields []string
	depth  []byte
	steps  byte
	lists  bool
}

func (p *placing) name(mark byte, name string) {
	p.path = append(p.path, mark)
	if mark == markField {
		p.path = binary.AppendUvarint(p.path, uint64(len(name)))
		p.path = append(p.path, name...)
		p.fields = append(p.fields, name)
		return
	}
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
	mark := byte(markField)
	if n.RepetitionType() == parquet.Repetitions.Repeated {
		// a field that repeats without a list around it: a list that is always there, of items that are
		p.name(markField, n.Name())
		p.name(markItem, "")
		p.steps++
		p.repeated(2)
		return 0
	}
	p.name(mark, n.Name())
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
	p.name(markItem, "")
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
	p.name(mark, "")
	p.repeated(1)
	return 1 + p.inner(way[1:])
}

// inner passes the item of a list or the key or value of a map, whose own name says nothing.
func (p *placing) inner(way []schema.Node) int {
	n := way[0]
	if n.RepetitionType() == parquet.Repetitions.Repeated {
		p.name(markItem, "")
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
