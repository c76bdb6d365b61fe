package survey

import (
	"bytes"
	"encoding/base64"
	"maps"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
)

// arrowSchema is a schema as arrow's own writer leaves it in a footer.
func arrowSchema(t *testing.T) []byte {
	t.Helper()
	stamp := func(zone string) arrow.DataType { return &arrow.TimestampType{Unit: arrow.Microsecond, TimeZone: zone} }
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.PrimitiveTypes.Int64}, {Name: "at", Type: stamp("Asia/Tokyo"), Nullable: true}, {Name: "naive", Type: stamp("")},
		{Name: "s", Type: arrow.StructOf(arrow.Field{Name: "deep", Type: arrow.StructOf(arrow.Field{Name: "at", Type: stamp("UTC")})}, arrow.Field{Name: "name", Type: arrow.BinaryTypes.String})},
		{Name: "list", Type: arrow.ListOf(stamp("Europe/Paris"))},
	}, nil)
	var out bytes.Buffer
	if err := ipc.NewWriter(&out, ipc.WithSchema(schema)).Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestZonesOfArrowsSchema(t *testing.T) {
	zones := map[string]string{}
	arrowZones(base64.StdEncoding.EncodeToString(arrowSchema(t)), zones)
	if want := map[string]string{"at": "Asia/Tokyo", "s.deep.at": "UTC"}; !maps.Equal(zones, want) {
		t.Errorf("got %v, want %v", zones, want)
	}
}

// TestFlippedBitsOfArrowsSchema flips each bit in turn: whatever lengths come out, nothing is asked for that is not there.
// One of them made arrow's own reader ask for more memory than the machine has, which ended the program.
func TestFlippedBitsOfArrowsSchema(t *testing.T) {
	data := arrowSchema(t)
	begin := time.Now()
	for i := range data {
		for bit := range 8 {
			data[i] ^= 1 << bit
			arrowZones(base64.StdEncoding.EncodeToString(data), map[string]string{})
			data[i] ^= 1 << bit
		}
	}
	for n := range data {
		arrowZones(base64.StdEncoding.EncodeToString(data[:n]), map[string]string{})
	}
	if took := time.Since(begin); took > time.Minute {
		t.Errorf("%v for %d bytes", took, len(data))
	}
}
