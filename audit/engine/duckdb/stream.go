package duckdb

/*
// What DuckDB calls for each chunk (duckdb.h, duckdb_scalar_function_t): its info, the chunk, and the vector of answers.
void receiveChunk(void *info, void *chunk, void *answers);
void wantsOfChunk(void *info, void *chunk, void *answers);
typedef void (*chunk_function)(void *, void *, void *);
*/
import "C"

import (
	"context"
	"fmt"
	"runtime/cgo"
	"sync"
	"unsafe"

	"github.com/marcboeker/go-duckdb/mapping"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/sql"
)

// leading are the arguments before the columns: the receiver, the index of the file, the number of the row.
const leading = 3

// registerReceiver makes the functions of sql/facts/stream.sql and pick.sql known to all connections of a database.
func registerReceiver(c *connection) error {
	if err := registerFunction(c, "featureaudit_receive", mapping.TypeBigInt, unsafe.Pointer(C.chunk_function(C.receiveChunk))); err != nil {
		return err
	}
	return registerFunction(c, "featureaudit_wants", mapping.TypeBoolean, unsafe.Pointer(C.chunk_function(C.wantsOfChunk)))
}

// registerFunction registers a function of anything, NULL or not. It is volatile: one call for each chunk, none saved.
func registerFunction(c *connection, name string, answer mapping.Type, pointer unsafe.Pointer) error {
	function := mapping.CreateScalarFunction()
	defer mapping.DestroyScalarFunction(&function)
	anything, answers := mapping.CreateLogicalType(mapping.TypeAny), mapping.CreateLogicalType(answer)
	defer mapping.DestroyLogicalType(&anything)
	defer mapping.DestroyLogicalType(&answers)
	mapping.ScalarFunctionSetName(function, name)
	mapping.ScalarFunctionSetVarargs(function, anything)
	mapping.ScalarFunctionSetReturnType(function, answers)
	mapping.ScalarFunctionSetVolatile(function)
	mapping.ScalarFunctionSetSpecialHandling(function)
	mapping.ScalarFunctionSetFunction(function, pointer)
	if mapping.RegisterScalarFunction(c.conn, function) == mapping.StateError {
		return fmt.Errorf("register the function %s with DuckDB", name)
	}
	return nil
}

// receiver takes the chunks of one query, on all of the engine's threads.
type receiver struct {
	ctx     context.Context
	columns []engine.Select
	// wanted is nil where all rows are.
	wanted func(file int, first int64, rows []bool)
	each   func(engine.Block) error

	mu    sync.Mutex
	kinds []mapping.Type
	idle  []*chunkView
	// err is the first that each gave; panicked what it panicked with, for no panic may cross into C.
	err      error
	panicked any
}

// chunkView is the memory that one thread views a chunk by.
type chunkView struct {
	vectors []engine.Vector
	texts   []stringTexts
	// masks are of hashes of several parts.
	masks [][]uint64
}

// allValid is the mask of the rows in which all of some columns hold a value, for vector i; nil where all do.
func (v *chunkView) allValid(c mappedChunk, i, first, count int) []uint64 {
	var mask []uint64
	for column := first; column < first+count; column++ {
		validity := c.column(column).validity
		if validity == nil {
			continue
		}
		valid := unsafe.Slice((*uint64)(validity), (c.rows+63)/64)
		if mask == nil {
			mask = append(v.masks[i][:0], valid...)
			v.masks[i] = mask
			continue
		}
		for word := range mask {
			mask[word] &= valid[word]
		}
	}
	return mask
}

// Stream implements engine.Scanner.
func (d *Database) Stream(ctx context.Context, s engine.Scan, each func(engine.Block) error) error {
	return d.receive(ctx, sql.Stream, s, &receiver{ctx: ctx, columns: s.Columns, each: each})
}

// Pick implements engine.Scanner.
func (d *Database) Pick(ctx context.Context, s engine.Scan, wanted func(file int, first int64, rows []bool), each func(engine.Block) error) error {
	text := sql.Pick
	if s.Sliced {
		text = sql.PickSlice
	}
	return d.receive(ctx, text, s, &receiver{ctx: ctx, columns: s.Columns, wanted: wanted, each: each})
}

func (d *Database) receive(ctx context.Context, text string, s engine.Scan, r *receiver) error {
	files, err := fileNames(s.Files)
	if err != nil {
		return err
	}
	handle := cgo.NewHandle(r)
	defer handle.Delete()
	values := bindings{"files": files, "receiver": int64(handle)}
	if s.Sliced {
		values["first"], values["last"] = s.First, s.Last
	}
	_, release, err := d.run(ctx, query{text: text, columns: s.Columns, arguments: true, values: values})
	if release != nil {
		release()
	}
	if r.panicked != nil {
		panic(r.panicked)
	}
	if r.err != nil {
		return r.err
	}
	return err
}

//export receiveChunk
func receiveChunk(info, chunk, answers unsafe.Pointer) {
	callReceiver(info, chunk, func(r *receiver, c mappedChunk) error {
		clear(unsafe.Slice((*int64)(mapping.VectorGetData(mapping.Vector{Ptr: answers})), c.rows))
		return r.take(c)
	})
}

//export wantsOfChunk
func wantsOfChunk(info, chunk, answers unsafe.Pointer) {
	callReceiver(info, chunk, func(r *receiver, c mappedChunk) error {
		wanted := unsafe.Slice((*bool)(mapping.VectorGetData(mapping.Vector{Ptr: answers})), c.rows)
		clear(wanted)
		file, first, err := c.run()
		if err == nil {
			r.wanted(file, first, wanted)
		}
		return err
	})
}

// callReceiver calls the receiver that a chunk names, and keeps its error: the engine's own would be the text alone.
func callReceiver(info, chunk unsafe.Pointer, call func(*receiver, mappedChunk) error) {
	c := mappedChunk{data: mapping.DataChunk{Ptr: chunk}}
	if c.rows = int(mapping.DataChunkGetSize(c.data)); c.rows == 0 {
		return
	}
	handle := cgo.Handle(*(*int64)(c.column(0).data))
	r, ok := handle.Value().(*receiver)
	if !ok {
		mapping.ScalarFunctionSetError(mapping.FunctionInfo{Ptr: info}, "a chunk was sent to what receives none")
		return
	}
	if err := r.guard(func() error { return call(r, c) }); err != nil {
		mapping.ScalarFunctionSetError(mapping.FunctionInfo{Ptr: info}, err.Error())
	}
}

// guard keeps the first error of a call, or its panic.
func (r *receiver) guard(call func() error) (err error) {
	defer func() {
		p := recover()
		if p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		if err == nil {
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.panicked == nil {
			r.panicked = p
		}
		if r.err == nil {
			r.err = err
		}
	}()
	return call()
}

// mappedChunk is a chunk of arguments.
type mappedChunk struct {
	data mapping.DataChunk
	rows int
}

func (c mappedChunk) column(index int) chunkColumn {
	vector := mapping.DataChunkGetVector(c.data, mapping.IdxT(index))
	return chunkColumn{data: mapping.VectorGetData(vector), validity: mapping.VectorGetValidity(vector)}
}

// places are the index of the file and the number in it of each row.
func (c mappedChunk) places() (files []uint64, numbers []int64) {
	return unsafe.Slice((*uint64)(c.column(1).data), c.rows), unsafe.Slice((*int64)(c.column(2).data), c.rows)
}

// run says where the chunk's rows stand, which follow each other in one file as long as none was left out.
func (c mappedChunk) run() (file int, first int64, err error) {
	files, numbers := c.places()
	last := c.rows - 1
	if files[last] != files[0] || numbers[last] != numbers[0]+int64(last) {
		return 0, 0, fmt.Errorf("row %d of file %d to row %d of file %d came as one chunk of %d rows", numbers[0], files[0], numbers[last], files[last], c.rows)
	}
	return int(files[0]), numbers[0], nil
}

// kinds are the types of the columns.
func (c mappedChunk) kinds() ([]mapping.Type, error) {
	kinds := make([]mapping.Type, mapping.DataChunkGetColumnCount(c.data))
	for i := range kinds {
		logical := mapping.VectorGetColumnType(mapping.DataChunkGetVector(c.data, mapping.IdxT(i)))
		kinds[i] = mapping.GetTypeId(logical)
		mapping.DestroyLogicalType(&logical)
	}
	if kinds[1] != mapping.TypeUBigInt || kinds[2] != mapping.TypeBigInt {
		return nil, fmt.Errorf("the engine numbers files and rows as types %d and %d", kinds[1], kinds[2])
	}
	return kinds, nil
}

// take hands one chunk over.
func (r *receiver) take(c mappedChunk) error {
	view, err := r.view(c)
	if err != nil {
		return err
	}
	defer r.giveBack(view)
	b := engine.Block{Rows: c.rows, Vectors: view.vectors}
	if r.wanted != nil {
		b.Files, b.Numbers = c.places()
	} else if b.File, b.First, err = c.run(); err != nil {
		return err
	}
	witness := leading + len(r.columns)
	for i := range view.vectors {
		column := c.column(i + leading)
		column.kind = r.kinds[i+leading]
		view.vectors[i] = selected(column, c.rows, &view.texts[i], r.columns[i])
		if witnessed(r.columns[i]) {
			parts := len(r.columns[i].Parts)
			view.vectors[i].Mask = view.allValid(c, i, witness, parts)
			witness += parts
		}
	}
	return r.each(b)
}

// view gives a thread memory to view a chunk by.
func (r *receiver) view(c mappedChunk) (*chunkView, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := context.Cause(r.ctx); err != nil {
		return nil, err
	}
	if r.kinds == nil {
		kinds, err := c.kinds()
		if err != nil {
			return nil, err
		}
		r.kinds = kinds
	}
	if last := len(r.idle) - 1; last >= 0 {
		view := r.idle[last]
		r.idle = r.idle[:last]
		return view, nil
	}
	n := len(r.columns)
	return &chunkView{vectors: make([]engine.Vector, n), texts: make([]stringTexts, n), masks: make([][]uint64, n)}, nil
}

func (r *receiver) giveBack(view *chunkView) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.idle = append(r.idle, view)
}
