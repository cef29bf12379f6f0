package lock

import (
	"cmp"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// formatControl is of which packages a tool is told to leave out the wheels or the sdists.
type formatControl struct {
	noBinary, onlyBinary map[string]bool // names, or ":all:"
	words                *formatWords    // nil for those of pip
}

// formatWords is what a tool calls the two settings.
type formatWords struct{ noBinary, onlyBinary string }

var pipFormatWords = formatWords{"--no-binary", "--only-binary"}

// set applies the value of an option of pip, by whose rules a later option takes back an earlier one.
func (f *formatControl) set(only bool, value string) {
	if f.noBinary == nil {
		f.noBinary, f.onlyBinary = map[string]bool{}, map[string]bool{}
	}
	target, other := f.noBinary, f.onlyBinary
	if only {
		target, other = other, target
	}
	names := strings.Split(value, ",")
	for i := slices.Index(names, ":all:"); i >= 0; i = slices.Index(names, ":all:") {
		clear(target)
		clear(other)
		target[":all:"] = true
		names = names[i+1:]
		if !slices.Contains(names, ":none:") {
			return
		}
	}
	for _, name := range names {
		if name == ":none:" {
			clear(target)
			continue
		}
		name = python.NormalizeName(name)
		delete(other, name)
		target[name] = true
	}
}

// leavesOut tells whether wheels or sdists of a package are not taken.
func (f *formatControl) leavesOut(name string) (wheels, sdists bool) {
	switch {
	case f.onlyBinary[name]:
		return false, true
	case f.noBinary[name]:
		return true, false
	case f.onlyBinary[":all:"]:
		return false, true
	}
	return f.noBinary[":all:"], false
}

// controlled picks the file of a package that comes from an index among those that are not left out, by pick. What the Pyfile wants
// built is built whatever another tool is told.
func (c *chooser) controlled(p *chosen, f *formatControl, pick func(*chosen) (Artifact, *pyfile.Error)) (Artifact, *pyfile.Error) {
	words := cmp.Or(f.words, &pipFormatWords)
	noWheels, noSdists := f.leavesOut(p.name)
	if _, ok := c.fromSource[p.name]; ok {
		noWheels, noSdists = false, false
	}
	switch {
	case noWheels && len(p.sdists) == 0:
		return Artifact{}, c.doc.errorAt(p.at, fmt.Sprintf("%s has no sdist, and %s leaves out its wheels", p, words.noBinary), "take it out of "+words.noBinary)
	case noSdists && len(p.wheels) == 0 && len(p.sdists) > 0:
		return Artifact{}, c.doc.errorAt(p.at, fmt.Sprintf("%s has no wheel, and %s leaves out its sdist", p, words.onlyBinary), "take it out of "+words.onlyBinary)
	case noWheels:
		sources := *p
		sources.wheels = nil
		a, e := pick(&sources)
		if len(p.wheels) > 0 {
			a.NoWheel = words.noBinary + " leaves out its wheels"
		}
		return a, e
	case noSdists && len(p.sdists) > 0:
		wheels := *p
		wheels.sdists = nil
		a, e := pick(&wheels)
		if e != nil {
			e.Msg = strings.Replace(e.Msg, "there is no sdist", words.onlyBinary+" leaves out its sdist", 1)
		}
		return a, e
	}
	return pick(p)
}

// uvFormatWords are those of [tool.uv].
var uvFormatWords = formatWords{"no-binary of [tool.uv]", "no-build of [tool.uv]"}

// readUVFormats reads what [tool.uv] says of wheels and sdists, if the project is the one that the lock lies beside: uv reads the
// settings of a workspace at its root. For uv a setting for one package goes before one for all.
func readUVFormats(p *Project, lock string, errs *pyfile.Errors) formatControl {
	out := formatControl{words: &uvFormatWords}
	if p == nil || path.Dir(p.File) != path.Dir(lock) {
		return out
	}
	d := &decoder{doc: p.doc}
	uv := d.table(p.doc.root.get("tool"), "uv", "tool.uv")
	read := func(all, some string) map[string]bool {
		names := map[string]bool{}
		if n := d.typed(uv, all, "tool.uv."+all, boolNode); n != nil && n.text == "true" {
			names[":all:"] = true
		}
		for _, n := range d.each(uv, some, "tool.uv."+some, stringNode) {
			names[python.NormalizeName(n.text)] = true
		}
		return names
	}
	out.noBinary = read("no-binary", "no-binary-package")
	out.onlyBinary = read("no-build", "no-build-package")
	*errs = append(*errs, d.errs...)
	return out
}
