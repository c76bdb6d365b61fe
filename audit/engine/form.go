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
	// FormTime is a time of day on some clock, FormTimeUTC one in UTC.
	FormTime
	FormTimeUTC
	// FormInstant is read as a time and turned into an instant by the reader of the scan.
	FormInstant
	// FormWritten is a time without a zone, compared as it is written: no zone is applied.
	FormWritten
	// FormInterval is a number of months, of days and of milliseconds.
	FormInterval
	// FormNested is a list, map or struct: compared as JSON text, never a key.
	FormNested
	// FormNull is a column that holds nothing but NULLs, and was given no other type: it fits every form.
	FormNull
)

// Form is the one canonical type that all files of a view cast a column to before it is hashed or compared.
type Form struct {
	Kind FormKind
	// Scale of decimals, and the most digits that stand before the point.
	Scale, Whole int32
	// Exact says that the engine has no type that holds the values: they are read from the bytes of the files.
	Exact bool
	// Opaque bytes are no text, whatever they hold; as text they are handed over as they stand.
	Opaque bool
}

// engineDigits are those of the widest decimal that the engine has.
const engineDigits = 38

// TooWide says that decimals may have more digits together than the engine's widest: what does not fit has no common form.
func (f Form) TooWide() bool {
	return f.Kind == FormDecimal && !f.Exact && f.Whole+f.Scale > engineDigits
}

func (f Form) String() string {
	names := map[FormKind]string{FormBool: "boolean", FormInteger: "64-bit integer", FormHugeInteger: "128-bit integer",
		FormDouble: "double", FormText: "text", FormBytes: "bytes", FormUUID: "UUID", FormDate: "date", FormTime: "time of day",
		FormTimeUTC: "time of day in UTC", FormInstant: "instant", FormWritten: "time without a zone", FormInterval: "interval", FormNested: "nested",
		FormNull: "nothing but NULLs"}
	if f.Kind == FormDecimal {
		return fmt.Sprintf("decimal with %d places", f.Scale)
	}
	return names[f.Kind]
}

// FormOf is the canonical form of one column on its own.
func FormOf(c facts.Column) Form {
	form := Form{Kind: kindOf(c), Exact: c.Raw}
	switch form.Kind {
	case FormDecimal:
		form.Scale, form.Whole = c.Scale, c.Precision-c.Scale
	case FormBytes:
		form.Opaque = c.Physical != "BYTE_ARRAY" || c.Logical == "bson"
	default:
	}
	return form
}

func kindOf(c facts.Column) FormKind {
	switch {
	case c.Nested:
		return FormNested
	case c.Logical == "null":
		return FormNull
	case (c.Logical == "timestamp" || c.Physical == "INT96") && c.AdjustedToUTC:
		return FormInstant
	case c.Logical == "timestamp", c.Physical == "INT96":
		return FormWritten
	case c.Logical == "date":
		return FormDate
	case c.Logical == "time" && c.AdjustedToUTC:
		return FormTimeUTC
	case c.Logical == "time":
		return FormTime
	case c.Logical == "interval":
		return FormInterval
	case c.Logical == "decimal":
		return FormDecimal
	case c.Logical == "uuid":
		return FormUUID
	case c.Physical == "BOOLEAN":
		return FormBool
	case c.Physical == "INT64" && c.Unsigned:
		return FormHugeInteger
	case c.Physical == "INT32", c.Physical == "INT64":
		return FormInteger
	case c.Physical == "FLOAT", c.Physical == "DOUBLE", c.Logical == "float16":
		return FormDouble
	case c.Physical == "BYTE_ARRAY" && isText(c.Logical):
		return FormText
	}
	return FormBytes
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

// Unify is the one form that both columns' values can be cast to without loss, or false where there is none: values of
// types that can never be equal are not compared.
func Unify(a, b Form) (Form, bool) {
	if a.Kind > b.Kind {
		a, b = b, a
	}
	exact := a.Exact || b.Exact
	switch {
	case b.Kind == FormNull:
		return a, true
	case a.Kind == b.Kind:
		return Form{Kind: a.Kind, Scale: max(a.Scale, b.Scale), Whole: max(a.Whole, b.Whole), Exact: exact, Opaque: a.Opaque || b.Opaque}, true
	case a.Kind == FormInteger && b.Kind == FormHugeInteger:
		return b, true
	case (a.Kind == FormInteger || a.Kind == FormHugeInteger) && b.Kind == FormDecimal:
		return b, b.Exact || b.Scale <= maxDecimalScale
	case a.Kind == FormText && b.Kind == FormBytes:
		return a, !b.Opaque
	case a.Kind == FormBytes && b.Kind == FormUUID:
		return a, true
	}
	return Form{}, false
}
