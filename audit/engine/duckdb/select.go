package duckdb

import (
	"fmt"
	"slices"
	"strings"

	"github.com/featureaudit/featureaudit/audit/engine"
	"github.com/featureaudit/featureaudit/audit/facts"
)

// columnReference names a column: a quoted identifier, or the extraction of a struct's field. One that the file lacks is its constant.
func columnReference(c facts.Column) (string, error) {
	if c.Absent {
		return engine.Constant(c), nil
	}
	ref, err := quoteIdentifier(c.Name)
	if err != nil || c.Nested || c.Path == c.Name {
		return ref, err
	}
	for _, field := range strings.Split(strings.TrimPrefix(c.Path, c.Name+"."), ".") {
		literal, err := quoteLiteral(field)
		if err != nil {
			return "", err
		}
		ref = "struct_extract(" + ref + ", " + literal + ")"
	}
	return ref, nil
}

// selectList renders the columns of a scan, each with a name.
func selectList(columns []engine.Select) (string, error) {
	rendered := make([]string, len(columns))
	for i, column := range columns {
		expression, err := selectExpression(column)
		if err != nil {
			return "", err
		}
		rendered[i] = fmt.Sprintf("%s AS c%d", expression, i)
	}
	if len(rendered) == 0 {
		return "1 AS c0", nil
	}
	return strings.Join(rendered, ", "), nil
}

// argumentList renders the columns of a stream, which are arguments and have no names. A hash comes without its NULLs: after
// all columns come the parts of each hash, as its witnesses, since to hand them over costs nothing.
func argumentList(columns []engine.Select) (string, error) {
	rendered := make([]string, len(columns))
	var parts []string
	for i, column := range columns {
		var err error
		if rendered[i], err = selectExpression(column); err != nil {
			return "", err
		}
		if !witnessed(column) {
			continue
		}
		if rendered[i], err = plainHash(column.Parts); err != nil {
			return "", err
		}
		for _, part := range column.Parts {
			ref, err := columnReference(part.Column)
			if err != nil {
				return "", err
			}
			parts = append(parts, ref)
		}
	}
	if len(rendered) == 0 {
		return "1", nil
	}
	return strings.Join(append(rendered, parts...), ", "), nil
}

// witnessed says whether a column is a hash whose parts tell where it is NULL.
func witnessed(s engine.Select) bool {
	return s.Kind == engine.SelectHash && !slices.ContainsFunc(s.Parts, func(p engine.Part) bool { return p.Missing })
}

func selectExpression(s engine.Select) (string, error) {
	switch s.Kind {
	case engine.SelectTime:
		return timeExpression(s)
	case engine.SelectText:
		return textExpression(s.Parts[0])
	case engine.SelectInteger:
		return canonicalExpression(engine.Part{Column: s.Parts[0].Column, Missing: s.Parts[0].Missing, Form: engine.Form{Kind: engine.FormInteger}})
	case engine.SelectHash:
		return hashExpression(s.Parts)
	case engine.SelectNulls:
		condition, err := anyNull(s.Parts)
		return "CAST(" + condition + " AS BIGINT)", err
	}
	return "", fmt.Errorf("unknown kind of column %d", s.Kind)
}

// timeExpression leaves typed times as they are stored: their vectors hold 64-bit values already.
func timeExpression(s engine.Select) (string, error) {
	part := s.Parts[0]
	if part.Missing {
		return "NULL::TIMESTAMP", nil
	}
	ref, err := columnReference(part.Column)
	if err != nil {
		return "", err
	}
	c := part.Column
	switch {
	case c.Logical == "timestamp", c.Physical == "INT96":
		return ref, nil
	case c.Logical == "date":
		return "CAST(" + ref + " - DATE '1970-01-01' AS BIGINT)", nil // a date may lie beyond all timestamps
	case c.Physical == "DOUBLE", c.Physical == "FLOAT":
		scale := map[string]string{"s": "1000000", "ms": "1000", "us": "1", "ns": "0.001"}[s.Unit]
		if scale == "" {
			return "", fmt.Errorf("column %q holds %s and no unit is known", c.Path, c.Physical)
		}
		// What no 64 bits hold is as far as they go, a sentinel: TRY_CAST would make NULLs of it. NaN is no time.
		return "CASE WHEN NOT isnan(CAST(" + ref + " AS DOUBLE)) THEN CAST(greatest(least(round(CAST(" + ref + " AS DOUBLE) * " + scale +
			"), 9.2e18::DOUBLE), -9.2e18::DOUBLE) AS BIGINT) END", nil
	case c.Physical == "INT64" && c.Unsigned:
		return "CASE WHEN " + ref + " > 9223372036854775807 THEN 9223372036854775807 ELSE TRY_CAST(" + ref + " AS BIGINT) END", nil
	case c.Physical == "INT64", c.Physical == "INT32":
		return "TRY_CAST(" + ref + " AS BIGINT)", nil
	}
	return ref, nil
}

// textExpression renders a value as text that is equal exactly when the canonical values are.
func textExpression(p engine.Part) (string, error) {
	if p.Missing {
		return "NULL::VARCHAR", nil
	}
	if p.Form.Kind == engine.FormNested {
		ref, err := columnReference(p.Column)
		return "CAST(to_json(" + ref + ") AS VARCHAR)", err
	}
	canonical, err := canonicalExpression(p)
	if err != nil {
		return "", err
	}
	switch p.Form.Kind {
	case engine.FormText:
		return canonical, nil
	case engine.FormBytes:
		return "hex(" + canonical + ")", nil
	default:
		return "CAST(" + canonical + " AS VARCHAR)", nil
	}
}

func canonicalExpression(p engine.Part) (string, error) {
	if p.Missing {
		return "NULL", nil
	}
	ref, err := columnReference(p.Column)
	if err != nil {
		return "", err
	}
	own := engine.FormOf(p.Column)
	if own.Kind == engine.FormNull {
		return nullExpression(p.Form.Kind), nil
	}
	switch p.Form.Kind {
	case engine.FormInteger:
		return "CAST(" + ref + " AS BIGINT)", nil
	case engine.FormHugeInteger:
		return "CAST(" + ref + " AS HUGEINT)", nil
	case engine.FormDecimal:
		return fmt.Sprintf("CAST(%s AS DECIMAL(38, %d))", ref, p.Form.Scale), nil
	case engine.FormDouble:
		// -0 and 0 are one key, and so are all that are no number; their texts must agree as well
		return "CASE WHEN " + ref + " = 0 THEN 0.0::DOUBLE WHEN isnan(" + ref + ") THEN 'nan'::DOUBLE ELSE CAST(" + ref + " AS DOUBLE) END", nil
	case engine.FormText:
		if own.Kind == engine.FormBytes && !p.Form.Opaque {
			return "decode(" + ref + ")", nil // bytes that are no UTF-8 are an error, not another text
		}
		return ref, nil
	case engine.FormBytes:
		switch own.Kind {
		case engine.FormText:
			return "encode(" + ref + ")", nil
		case engine.FormUUID:
			return "unhex(replace(CAST(" + ref + " AS VARCHAR), '-', ''))", nil
		default:
			return ref, nil
		}
	default:
	}
	return ref, nil
}

// nullExpression is NULL in the type that a form has in the other files.
func nullExpression(kind engine.FormKind) string {
	switch kind {
	case engine.FormInteger:
		return "NULL::BIGINT"
	case engine.FormBytes:
		return "NULL::BLOB"
	default:
		return "NULL::VARCHAR"
	}
}

func hashExpression(parts []engine.Part) (string, error) {
	hash, err := plainHash(parts)
	if err != nil {
		return "", err
	}
	condition, err := anyNull(parts)
	return "if(" + condition + ", NULL, " + hash + ")", err
}

// plainHash is the hash of parts whether they are NULL or not.
func plainHash(parts []engine.Part) (string, error) {
	canonical := make([]string, len(parts))
	for i, part := range parts {
		expression, err := canonicalExpression(part)
		if err != nil {
			return "", err
		}
		canonical[i] = expression
	}
	return "hash(" + strings.Join(canonical, ", ") + ")", nil
}

func anyNull(parts []engine.Part) (string, error) {
	conditions := make([]string, len(parts))
	for i, part := range parts {
		if part.Missing {
			return "true", nil
		}
		ref, err := columnReference(part.Column)
		if err != nil {
			return "", err
		}
		conditions[i] = ref + " IS NULL"
	}
	return strings.Join(conditions, " OR "), nil
}
