package engine

import (
	"fmt"
	"strings"

	"github.com/featureaudit/featureaudit/audit/facts"
)

// FormKind is the family of a canonical form.
type FormKind int

// The families. Values of two types of one family are equal exactly when their canonical forms are.
const (
	FormBool FormKind = iota + 1
	FormInteger
	FormHugeInteger
	FormDecimal
	FormDouble
	FormText
	FormBytes
	FormUUID
	FormDate
	FormTime
	// FormInstant is read as a time and turned into an instant by the reader of the scan.
	FormInstant
	// FormNested is a list, map or struct: compared as JSON text, never a key.
	FormNested
	// FormNull is a column that holds nothing but NULLs, and was given no other type: it fits every form.
	FormNull
)

// Form is the one canonical type that all files of a view cast a column to before it is hashed or compared.
type Form struct {
	Kind FormKind
	// Scale of decimals.
	Scale int32
}

func (f Form) String() string {
	names := map[FormKind]string{FormBool: "boolean", FormInteger: "64-bit integer", FormHugeInteger: "128-bit integer",
		FormDouble: "double", FormText: "text", FormBytes: "bytes", FormUUID: "UUID", FormDate: "date", FormTime: "time of day",
		FormInstant: "instant", FormNested: "nested", FormNull: "nothing but NULLs"}
	if f.Kind == FormDecimal {
		return fmt.Sprintf("decimal with %d places", f.Scale)
	}
	return names[f.Kind]
}

// FormOf is the canonical form of one column on its own.
func FormOf(c facts.Column) Form {
	switch {
	case c.Nested:
		return Form{Kind: FormNested}
	case c.Logical == "null":
		return Form{Kind: FormNull}
	case c.Logical == "timestamp", c.Physical == "INT96":
		return Form{Kind: FormInstant}
	case c.Logical == "date":
		return Form{Kind: FormDate}
	case c.Logical == "time":
		return Form{Kind: FormTime}
	case c.Logical == "decimal":
		return Form{Kind: FormDecimal, Scale: c.Scale}
	case c.Logical == "uuid":
		return Form{Kind: FormUUID}
	case c.Physical == "BOOLEAN":
		return Form{Kind: FormBool}
	case c.Physical == "INT64" && c.Unsigned:
		return Form{Kind: FormHugeInteger}
	case c.Physical == "INT32", c.Physical == "INT64":
		return Form{Kind: FormInteger}
	case c.Physical == "FLOAT", c.Physical == "DOUBLE", c.Logical == "float16":
		return Form{Kind: FormDouble}
	case c.Physical == "BYTE_ARRAY" && isText(c.Logical):
		return Form{Kind: FormText}
	}
	return Form{Kind: FormBytes}
}

func isText(logical string) bool {
	switch strings.ToLower(logical) {
	case "string", "utf8", "json", "enum":
		return true
	}
	return false
}

// maxDecimalScale keeps 19 digits before the point, so that every 64-bit integer still fits DECIMAL(38).
const maxDecimalScale = 19

// Unify is the one form that both columns' values can be cast to without loss, or false where there is none.
func Unify(a, b Form) (Form, bool) {
	if a.Kind > b.Kind {
		a, b = b, a
	}
	switch {
	case b.Kind == FormNull:
		return a, true
	case a.Kind == b.Kind:
		return Form{Kind: a.Kind, Scale: max(a.Scale, b.Scale)}, true
	case a.Kind == FormInteger && b.Kind == FormHugeInteger:
		return b, true
	case (a.Kind == FormInteger || a.Kind == FormHugeInteger) && b.Kind == FormDecimal:
		return b, b.Scale <= maxDecimalScale
	case a.Kind == FormText && b.Kind == FormBytes:
		return b, true
	case a.Kind == FormBytes && b.Kind == FormUUID:
		return a, true
	}
	return Form{}, false
}
