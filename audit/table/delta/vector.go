package delta

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
	"github.com/featureaudit/featureaudit/audit/store"
	"github.com/featureaudit/featureaudit/audit/table/internal/rowset"
)

// vector is the descriptor of a deletion vector: which rows of a file do not count.
type vector struct {
	StorageType    string `json:"storageType"`
	PathOrInlineDv string `json:"pathOrInlineDv"`
	Offset         *int64 `json:"offset"`
	SizeInBytes    *int64 `json:"sizeInBytes"`
	Cardinality    *int64 `json:"cardinality"`
	// MaxRowIndex is a hint of older writers.
	MaxRowIndex *int64 `json:"maxRowIndex"`
}

// id tells the vectors of one file apart.
func (v *vector) id() string {
	switch {
	case v == nil:
		return ""
	case v.Offset != nil:
		return fmt.Sprintf("%s%s@%d", v.StorageType, v.PathOrInlineDv, *v.Offset)
	}
	return v.StorageType + v.PathOrInlineDv
}

// The numbers of the format.
const (
	portableMagic = 1681511377
	nativeMagic   = 1681511376
	vectorVersion = 1
	// firstOffset is where the first vector of a file stands, after the version.
	firstOffset = 1
	uuidText    = 20
	// mostVector bounds what is read of one vector.
	mostVector = 1 << 30
)

// loader reads the rows of a file that the vector names.
func (v *vector) loader(files store.Store, root, path string) func(context.Context) (facts.RowSet, error) {
	return func(ctx context.Context) (facts.RowSet, error) {
		set, err := v.load(ctx, files, root)
		if err != nil {
			return nil, fmt.Errorf("deletion vector %s of %s: %w", v.id(), path, err)
		}
		return set, nil
	}
}

func (v *vector) load(ctx context.Context, files store.Store, root string) (*rowset.Set, error) {
	if v.SizeInBytes == nil || v.Cardinality == nil || *v.SizeInBytes < 4 || *v.SizeInBytes > mostVector {
		return nil, errors.New("want its sizeInBytes and its cardinality")
	}
	data, err := v.bytes(ctx, files, root)
	if err != nil {
		return nil, err
	}
	if len(data) < 4 {
		return nil, fmt.Errorf("%d bytes are no vector", len(data))
	}
	switch magic := binary.LittleEndian.Uint32(data); magic {
	case portableMagic:
	case nativeMagic:
		return nil, errors.New("it is in the native format of Roaring bitmaps (magic number 1681511376), and only the portable one is read: purge the table's deletion vectors (REORG TABLE ... APPLY (PURGE))")
	default:
		return nil, fmt.Errorf("its magic number is %d, want %d: the log or the vector is damaged", magic, portableMagic)
	}
	set, err := rowset.Read(data[4:])
	if err == nil {
		err = rowset.Check(set, *v.Cardinality, -1)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: the log or the vector is damaged", err)
	}
	return set, nil
}

func (v *vector) bytes(ctx context.Context, files store.Store, root string) ([]byte, error) {
	switch v.StorageType {
	case "i":
		data, err := decodeZ85(v.PathOrInlineDv)
		if err != nil {
			return nil, err
		}
		if *v.SizeInBytes > int64(len(data)) || int64(len(data))-*v.SizeInBytes > 3 {
			return nil, fmt.Errorf("it has %d bytes and its log says %d", len(data), *v.SizeInBytes)
		}
		return data[:*v.SizeInBytes], nil
	case "u":
		name, err := uuidName(v.PathOrInlineDv)
		if err != nil {
			return nil, err
		}
		return v.stored(ctx, files, store.Join(root, name))
	case "p":
		abs, err := absolute(v.PathOrInlineDv)
		if err != nil {
			return nil, err
		}
		return v.stored(ctx, files, abs)
	}
	return nil, fmt.Errorf("its storage type is %q: want u, p or i", v.StorageType)
}

// uuidName is the relative path of the file of a vector that is named by a UUID, which may have a prefix.
func uuidName(text string) (string, error) {
	if len(text) < uuidText {
		return "", fmt.Errorf("%q is no UUID", text)
	}
	prefix, code := text[:len(text)-uuidText], text[len(text)-uuidText:]
	raw, err := decodeZ85(code)
	if err != nil {
		return "", err
	}
	h := hex.EncodeToString(raw)
	name := fmt.Sprintf("deletion_vector_%s-%s-%s-%s-%s.bin", h[:8], h[8:12], h[12:16], h[16:20], h[20:])
	if prefix == "" {
		return name, nil
	}
	if strings.ContainsAny(prefix, `/\`) || strings.HasPrefix(prefix, ".") {
		return "", fmt.Errorf("its prefix %q is no name of a folder", prefix)
	}
	return prefix + "/" + name, nil
}

// stored reads a vector from its file: the size, the data and their checksum.
func (v *vector) stored(ctx context.Context, files store.Store, abs string) ([]byte, error) {
	object, err := files.Open(ctx, abs)
	if err != nil {
		return nil, err
	}
	defer object.Close()
	offset := int64(firstOffset)
	if v.Offset != nil {
		offset = *v.Offset
	}
	if offset < firstOffset {
		return nil, fmt.Errorf("it stands at %d of %s, before the first", offset, abs)
	}
	head := make([]byte, 1)
	if _, err := object.ReadAt(head, 0); err != nil {
		return nil, fmt.Errorf("read %s: %w", abs, err)
	}
	if head[0] != vectorVersion {
		return nil, fmt.Errorf("%s is of version %d, want %d", abs, head[0], vectorVersion)
	}
	data := make([]byte, 4+*v.SizeInBytes+4)
	if _, err := object.ReadAt(data, offset); err != nil && !isWhole(err, object, data, offset) {
		return nil, fmt.Errorf("read %s at %d: %w", abs, offset, err)
	}
	if size := int64(binary.BigEndian.Uint32(data)); size != *v.SizeInBytes {
		return nil, fmt.Errorf("%s says %d bytes at %d and its log %d", abs, size, offset, *v.SizeInBytes)
	}
	body, sum := data[4:len(data)-4], binary.BigEndian.Uint32(data[len(data)-4:])
	if got := crc32.ChecksumIEEE(body); got != sum {
		return nil, fmt.Errorf("%s at %d has the checksum %08x and says %08x: it is damaged", abs, offset, got, sum)
	}
	return body, nil
}

// isWhole says that an error is the end of the file after the last byte that was asked for.
func isWhole(err error, object store.Object, data []byte, offset int64) bool {
	n, again := object.ReadAt(data, offset)
	return n == len(data) && again != nil && errors.Is(err, again)
}

// z85 are the digits of the base-85 text of ZeroMQ.
const z85 = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"

func decodeZ85(text string) ([]byte, error) {
	if len(text)%5 != 0 {
		return nil, fmt.Errorf("its text has %d characters, want a multiple of 5", len(text))
	}
	data := make([]byte, 0, len(text)/5*4)
	for at := 0; at < len(text); at += 5 {
		value := uint64(0)
		for _, c := range []byte(text[at : at+5]) {
			digit := strings.IndexByte(z85, c)
			if digit < 0 {
				return nil, fmt.Errorf("its text holds %q, which is no digit of Z85", c)
			}
			value = value*85 + uint64(digit)
		}
		if value > 1<<32-1 {
			return nil, fmt.Errorf("%q is beyond 32 bits", text[at:at+5])
		}
		data = binary.BigEndian.AppendUint32(data, uint32(value))
	}
	return data, nil
}
