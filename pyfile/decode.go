package pyfile

import (
	"fmt"
	"path"
	"strings"
)

// Parse reads a Pyfile, or the [tool.pyfile] table of a file whose base name is pyproject.toml. args are build arguments
// that the user gave; they replace the defaults of [args], and names that the file does not have are ignored.
//
// The error is an Errors with every problem of the file (the first hundred), sorted by place; the File is then nil. File is empty in each
// of them: they are about the file that was given.
func Parse(name string, data []byte, args map[string]string) (*File, error) {
	d := decode(name, data, args)
	errs := d.errs
	if err := errs.Err(); err != nil {
		if more := len(errs) - maxErrors; more > 0 {
			errs = append(errs[:maxErrors:maxErrors], &Error{Range: errs[maxErrors].Range, Msg: fmt.Sprintf("%d problems more, from here on", more)})
		}
		return nil, errs
	}
	return d.file, nil
}

// maxErrors keeps the answer to a file that is something else entirely within what BuildKit can carry.
const maxErrors = 100

const (
	projectFile  = "pyproject.toml"
	projectTable = "tool.pyfile."
)

// decoder turns the tree of a file into a File. Nothing stops it: what is wrong is reported and left out.
type decoder struct {
	file   *File
	prefix string            // of every key in messages: "tool.pyfile." in pyproject.toml
	args   map[string]string // what ${NAME} stands for
	known  []string          // the names of [args] read so far, in file order; one whose default is wrong is not in args
	errs   Errors

	argTable *node // [args], or nil
}

// report adds a problem. The message names the key, because BuildKit shows lines and no columns.
func (d *decoder) report(at Range, hint, format string, args ...any) {
	d.errs = append(d.errs, &Error{Range: at, Msg: fmt.Sprintf(format, args...), Hint: hint})
}

// decode reads the whole language.
func decode(name string, data []byte, args map[string]string) *decoder {
	d := &decoder{file: &File{Name: name, Data: data}, args: map[string]string{}}
	if path.Base(name) == projectFile {
		d.prefix = projectTable
	}
	if err := checkText(data); err != nil {
		d.errs = Errors{err}
		return d
	}
	t := parseTree(data)
	d.errs = t.errs
	if err := checkSyntaxLine(t.comments); err != nil {
		d.errs = append(d.errs, err)
	}
	root := t.root
	if d.prefix != "" {
		if root = d.project(t); root == nil {
			return d
		}
	}
	if e := root.get("args"); e != nil && e.value.kind == tableNode {
		d.argTable = e.value
		d.decodeArgs(args)
	}
	d.table("", strings.TrimSuffix(d.prefix, "."), root)
	if !t.broken {
		d.crossCheck()
	}
	d.file.Layers.OwnBytes, _ = parseSize(d.file.Layers.Own.Value)
	return d
}

// project finds [tool.pyfile]. The rest of pyproject.toml belongs to others.
func (d *decoder) project(t *tree) *node {
	top := Range{Start: Pos{1, 1}, End: t.pos(len(t.line(1)))}
	shown := strings.TrimSuffix(projectTable, ".")
	n := t.root
	for i, name := range strings.Split(shown, ".") {
		e := n.get(name)
		if e == nil {
			if !t.broken {
				d.report(top, `add [`+shown+`] with python = "3.13" below it`, "%s has no table [%s]", projectFile, shown)
			}
			return nil
		}
		if e.value.kind != tableNode {
			words := strings.Split(shown, ".")[:i+1]
			d.report(e.at, "write it as ["+shown+"]", "%s must be a table, not %s", strings.Join(words, "."), e.value.kind)
			return nil
		}
		n = e.value
	}
	return n
}

// table reads the keys of one table. at is its path in the language, shown its name in messages.
func (d *decoder) table(at, shown string, n *node) {
	t := tableAt[at]
	free := t != nil && t.names != nil
	for _, e := range n.entries {
		child, childShown := join(at, e.name), join(shown, e.name)
		if free {
			d.checkName(t.names, shown, e)
			child = at + ".NAME"
		}
		switch k := keyAt[child]; {
		case child == "args" && e.value.kind == tableNode:
			// Read already: see decodeArgs.
		case k != nil:
			d.enter(child, e)
			d.key(k, childShown, e)
		case !free && tableAt[child] == nil:
			d.unknownKey(at, shown, e)
		case e.value.kind != tableNode:
			d.notTable(at, shown, free, e)
		default:
			d.enter(child, e)
			d.table(child, childShown, e.value)
			d.required(child, childShown, e)
		}
	}
}

// enter makes the place of a table in the File. Keys that are not tables have theirs.
func (d *decoder) enter(at string, e *entry) {
	f := d.file
	switch at {
	case "healthcheck":
		f.Healthcheck = &Healthcheck{Range: e.at}
	case "dependencies":
		f.Dependencies.Range = e.at
	case "app":
		f.App.Range = e.at
	case "apt":
		f.Apt.Range = e.at
	case "steps.NAME":
		f.Steps = append(f.Steps, Step{Name: String{Value: e.name, Range: e.at}})
	case "test":
		f.Test.Range = e.at
	case "config-settings.NAME":
		f.ConfigSettings = append(f.ConfigSettings, PackageSettings{Name: String{Value: e.name, Range: e.at}})
	case "index.NAME":
		f.Indexes = append(f.Indexes, Index{Name: String{Value: e.name, Range: e.at}})
	case "verify":
		f.Verify.Range = e.at
	case "layers":
		f.Layers.Range = e.at
	case "bytecode":
		f.Bytecode.Range = e.at
	case "slim":
		f.Slim.Range = e.at
	}
}

// required reports the keys that a table must have.
func (d *decoder) required(at, shown string, e *entry) {
	for i := range keys {
		k := &keys[i]
		if k.required && k.path == join(at, k.name()) && e.value.get(k.name()) == nil {
			d.report(e.at, "write "+k.example, "%s is missing", join(shown, k.name()))
		}
	}
}

// notTable reports a value in the place of a table. at and shown are the table that it stands in.
func (d *decoder) notTable(at, shown string, free bool, e *entry) {
	name := join(shown, e.name)
	hint := "write a line [" + name + "], and its keys below it"
	switch t := tableAt[join(at, e.name)]; {
	case free && keyAt[at+".NAME."+e.name] != nil:
		// [index] url = ...: the name is missing.
		hint = "write [" + shown + ".NAME] above it, with a name of your own"
	case !free && t.names != nil:
		hint = "write a line [" + name + ".NAME] with a name of your own, and its keys below it"
	}
	d.report(e.at, hint, "%s must be a table, not %s", name, e.value.kind)
}

// checkName checks a name that the user chose.
func (d *decoder) checkName(g *grammar, shown string, e *entry) bool {
	f := g.check(e.name)
	if f == nil && strings.ContainsRune(e.name, 0) {
		f = &flaw{must: "not contain a NUL character"}
	}
	if f == nil {
		return true
	}
	d.report(e.at, f.hint, "%s: every name must %s, not %s", shown, f.must, quote(e.name))
	return false
}

// crossCheck finds keys that contradict each other.
func (d *decoder) crossCheck() {
	f := d.file
	if f.App.Install.Value == "none" {
		for _, l := range []struct {
			name string
			list List
		}{{"app.include", f.App.Include}, {"app.exclude", f.App.Exclude}} {
			if l.list.Set() {
				d.report(l.list.Range, "delete it, or write install = \"source\"", "%s%s has no effect: %sapp.install is \"none\"", d.prefix, l.name, d.prefix)
			}
		}
	}
	tables := map[string]String{}
	for _, s := range f.ConfigSettings {
		name := foldPackage(s.Name.Value)
		if first, twice := tables[name]; twice {
			d.report(s.Name.Range, fmt.Sprintf("write its settings below the first, on line %d", first.Range.Start.Line),
				"[%sconfig-settings.%s] and [%[1]sconfig-settings.%[3]s] are one package", d.prefix, dottedName(first.Value), dottedName(s.Name.Value))
			continue
		}
		tables[name] = s.Name
	}
	for _, i := range f.Indexes {
		if i.Username.Set() && !i.Secret.Set() {
			d.report(i.Username.Range, `write secret = "ID" beside it, and build with --secret id=ID`,
				"%sindex.%s.username has no effect without a secret", d.prefix, dottedName(i.Name.Value))
		}
	}
}

// foldPackage is equal for spellings of one package's name (PEP 503).
func foldPackage(name string) string {
	parts := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return r == '-' || r == '_' || r == '.' })
	return strings.Join(parts, "-")
}

// join writes a key below a table.
func join(table, name string) string {
	if table == "" {
		return dottedName(name)
	}
	return table + "." + dottedName(name)
}
