package lock

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// decoder reads typed values out of a document. A value of the wrong type is reported at its line and read as absent, so one
// pass finds all problems. what is the key as a message names it: "package.version".
type decoder struct {
	doc  *document
	errs pyfile.Errors
	hint string // what mends a file that a tool wrote
}

func (d *decoder) errorf(at span, format string, args ...any) {
	d.errs = append(d.errs, d.doc.errorAt(at, fmt.Sprintf(format, args...), d.hint))
}

// mostProblems is how many problems of one file are worth reading.
const mostProblems = 100

// worst returns the problems in the order of the file, the first of them only when there are too many.
func (d *decoder) worst() pyfile.Errors {
	if len(d.errs) <= mostProblems {
		return d.errs
	}
	errs := slices.Clone(d.errs)
	errs.Sort()
	rest := len(errs) - mostProblems
	errs = errs[: mostProblems : mostProblems+1]
	last := errs[mostProblems-1]
	return append(errs, &pyfile.Error{File: last.File, Range: last.Range, Msg: fmt.Sprintf("the file has %d more problems after this one", rest)})
}

// typed returns the value of a key if it has the kind that is wanted.
func (d *decoder) typed(t *node, key, what string, want kind) *node {
	n := t.get(key)
	if n != nil && n.kind != want {
		d.mismatch(n, what, want)
		return nil
	}
	return n
}

func (d *decoder) mismatch(n *node, what string, want kind) {
	d.errorf(n.at, "%s must be %s, not %s", what, want, n.kind)
}

// str reads a string with its place.
func (d *decoder) str(t *node, key, what string) pyfile.String {
	n := d.typed(t, key, what, stringNode)
	if n == nil {
		return pyfile.String{}
	}
	return d.located(n)
}

// text reads a string without its place.
func (d *decoder) text(t *node, key, what string) string {
	if n := d.typed(t, key, what, stringNode); n != nil {
		return n.text
	}
	return ""
}

func (d *decoder) located(n *node) pyfile.String {
	return pyfile.String{Value: n.text, Range: d.doc.span(n.at)}
}

// table reads a table, or nil.
func (d *decoder) table(t *node, key, what string) *node {
	return d.typed(t, key, what, tableNode)
}

// each reads the items of a list that must all have one kind.
func (d *decoder) each(t *node, key, what string, want kind) []*node {
	list := d.typed(t, key, what, listNode)
	if list == nil {
		return nil
	}
	return d.all(list, what, want)
}

// all returns the items of a list that have the kind that is wanted, and reports the others.
func (d *decoder) all(list *node, what string, want kind) []*node {
	wrong := func(n *node) bool { return n.kind != want }
	if !slices.ContainsFunc(list.items, wrong) {
		return list.items
	}
	for _, n := range list.items {
		if wrong(n) {
			d.errorf(n.at, "%s: every item must be %s, not %s", what, want, n.kind)
		}
	}
	return slices.DeleteFunc(slices.Clone(list.items), wrong)
}

// list reads a list of strings.
func (d *decoder) list(t *node, key, what string) pyfile.List {
	n := d.typed(t, key, what, listNode)
	if n == nil {
		return pyfile.List{}
	}
	out := pyfile.List{Range: d.doc.span(n.at)}
	for _, item := range d.all(n, what, stringNode) {
		out.Items = append(out.Items, d.located(item))
	}
	return out
}

// integer reads a number that is not negative; 0 when it is absent.
func (d *decoder) integer(t *node, key, what string) int64 {
	n := d.typed(t, key, what, integerNode)
	if n == nil {
		return 0
	}
	v, err := strconv.ParseInt(strings.ReplaceAll(n.text, "_", ""), 0, 64)
	if err != nil || v < 0 {
		d.errorf(n.at, "%s is not a size: %s", what, n.text)
		return 0
	}
	return v
}

// pairs reads a table of strings in file order.
func (d *decoder) pairs(t *node, key, what string) []pyfile.Pair {
	table := d.table(t, key, what)
	if table == nil {
		return nil
	}
	out := make([]pyfile.Pair, 0, len(table.entries))
	for _, e := range table.entries {
		if e.value.kind != stringNode {
			d.mismatch(e.value, what+"."+e.name, stringNode)
			continue
		}
		out = append(out, pyfile.Pair{Key: pyfile.String{Value: e.name, Range: d.doc.span(e.at)}, Value: d.located(e.value)})
	}
	return out
}

// identity reads what every package of a lock has: its name, its version, and the place of the name. It is not ok without a name.
func (d *decoder) identity(t *node, table string) (c chosen, ok bool) {
	name := d.typed(t, "name", table+".name", stringNode)
	switch {
	case t.get("name") == nil:
		d.errorf(t.at, "a [[%s]] has no name", table)
		return c, false
	case name == nil:
		return c, false
	case !python.ValidName(name.text):
		d.errorf(name.at, "%s.name %q is not the name of a package", table, name.text)
		return c, false
	}
	return chosen{name: python.NormalizeName(name.text), version: d.text(t, "version", table+".version"), at: t.line("name")}, true
}
