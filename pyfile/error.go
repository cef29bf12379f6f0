package pyfile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Pos is a place in a file. Line and Col count from 1; Col counts bytes.
type Pos struct {
	Line int `json:"line"`
	Col  int `json:"col"`
}

// Range is a stretch of a file. End is exclusive. The zero Range is "nowhere": a value the user did not write.
type Range struct {
	Start Pos `json:"start"`
	End   Pos `json:"end"`
}

// IsZero tells whether the range points at nothing.
func (r Range) IsZero() bool { return r == Range{} }

// Error is one problem in one of the user's files. Msg shows the right form, Hint says what to type;
// neither starts with a capital nor ends with a full stop.
type Error struct {
	File  string // path relative to the build context: "Pyfile", "uv.lock"; empty means the Pyfile
	Range Range
	Msg   string
	Hint  string // may be empty
}

// Error prints "line:col: msg" and the hint on a line of its own. The column is dropped when it is 1,
// because then it says nothing.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Range.Start.Line > 0 {
		fmt.Fprintf(&b, "%d:", e.Range.Start.Line)
		if e.Range.Start.Col > 1 {
			fmt.Fprintf(&b, "%d:", e.Range.Start.Col)
		}
		b.WriteByte(' ')
	}
	b.WriteString(e.Msg)
	if e.Hint != "" {
		b.WriteString("\n\thint: " + e.Hint)
	}
	return b.String()
}

// Errors are all problems found, in the order of File and place. A nil or empty Errors is no error: return it through Err.
type Errors []*Error

// Sort orders the problems by file, position and message, so that the same input always gives the same text.
func (es Errors) Sort() {
	slices.SortStableFunc(es, func(a, b *Error) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Range.Start.Line, b.Range.Start.Line),
			cmp.Compare(a.Range.Start.Col, b.Range.Start.Col),
			cmp.Compare(a.Msg, b.Msg),
		)
	})
}

// Err returns the problems sorted, or nil when there are none.
func (es Errors) Err() error {
	if len(es) == 0 {
		return nil
	}
	es.Sort()
	return es
}

// Error prints one problem on its own, and several as a counted list.
func (es Errors) Error() string {
	if len(es) == 1 {
		return es[0].prefixed()
	}
	lines := []string{fmt.Sprintf("%d problems", len(es))}
	for _, e := range es {
		lines = append(lines, "\t"+strings.ReplaceAll(e.prefixed(), "\n", "\n\t"))
	}
	return strings.Join(lines, "\n")
}

// prefixed is Error with the name of the file before the place.
func (e *Error) prefixed() string {
	if e.File == "" {
		return e.Error()
	}
	if e.Range.IsZero() {
		return e.File + ": " + e.Error()
	}
	return e.File + ":" + e.Error()
}
