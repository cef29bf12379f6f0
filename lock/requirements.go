package lock

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// requirementsSet is what one or more requirements files say together, as "pip install -r a -r b" reads them.
//
// A set is locked when pip's hash mode is on: some requirement or constraint has a --hash, or --require-hashes is written, and
// --no-require-hashes is not. Every requirement must then be pinned with == and have a hash, or be a file at a URL with one. pip
// also refuses git and directories in hash mode. Here a git commit by its full hash and a directory of the context are taken:
// neither can change without the build seeing it.
type requirementsSet struct {
	names        []string // of the requirements files that the Pyfile names, in order
	files        []string // all files read, in order
	requirements []*requirement
	constraints  []*requirement
	order        []*requirement            // both, in the order of the lines
	byName       map[string][]*requirement // requirements and constraints, but those without a name
	hashMode     bool
	indexes      []string // addresses of -i and --extra-index-url; "" stands for the default index
	formats      formatControl
	findLinks    []findLinks
	settings     []pyfile.PackageSettings
}

// findLinks is a --find-links. Only a directory of the context has a path. A problem counts where a resolver would search it.
type findLinks struct {
	path    string
	problem *pyfile.Error
}

// requirement is a line that asks for a package.
type requirement struct {
	chosen               // version is that of the pin, or of a wheel's or sdist's name
	doc        *document // the file it stands in
	constraint bool      // it only limits what other lines ask for
	kind       Kind      // of what is named by address or path; "" for what an index has
	inferred   bool      // the name is not in the line
	extras     []string
	marker     python.Marker
	spec       python.Specifiers
	link       file // of a wheel, sdist or archive that is named
	git        git
	dir        string // of the context
	subdir     string
	hashes     []requirementHash
	broken     bool          // a problem was reported, and it is not in the set
	problem    *pyfile.Error // why it cannot be installed from a locked set
}

// requirementHash is a --hash, or one in the fragment of a URL.
type requirementHash struct {
	algorithm, digest string
	fragment          bool // of the URL, so that it does not turn on the hash mode
	at                span
}

// Requirements lists the files of the context that a resolver needs for a set of requirements files: the requirements and
// constraints files, then wheels and archives that are named by path. It is nil for other locks.
func (l *Lock) Requirements() []string {
	s, ok := l.source.(*requirementsSet)
	if !ok {
		return nil
	}
	out := slices.Clone(s.files)
	for _, q := range slices.Concat(s.requirements, s.constraints) {
		if q.link.path != "" && !slices.Contains(out, q.link.path) {
			out = append(out, q.link.path)
		}
	}
	return out
}

// ConfigSettings are the PEP 517 settings that lines of requirements files give with --config-settings, in the order of the lines.
// Ranges are those of the lines. It is nil for other locks.
func (l *Lock) ConfigSettings() []pyfile.PackageSettings {
	if s, ok := l.source.(*requirementsSet); ok {
		return s.settings
	}
	return nil
}

// readRequirements reads the files and what they include, and decides whether they are a lock.
func readRequirements(l *Lock, names []string, files map[string][]byte) pyfile.Errors {
	r := newRequirementsReader(files)
	for _, name := range names {
		r.root(name)
	}
	s := r.finish()
	if len(r.errs) > 0 {
		return r.errs
	}
	s.names = names
	l.source = s
	if !s.hashMode && len(s.requirements) > 0 {
		l.Loose = slices.Clone(names)
	}
	return nil
}

// requirementsNeeds are the files that the files known so far include, and the metadata of directories that they name.
func requirementsNeeds(names []string, files map[string][]byte) []string {
	r := newRequirementsReader(files)
	for _, name := range names {
		r.root(name)
	}
	slices.Sort(r.wanted)
	return slices.Compact(r.wanted)
}

// requirementsReader reads a set of files.
type requirementsReader struct {
	set     *requirementsSet
	files   map[string][]byte
	docs    map[string]*document // nil for a file that cannot be read
	read    map[string]bool      // by name and use
	open    []string             // files that include each other, outermost first
	wanted  []string
	markers map[string]python.Marker // parsed, by text
	errs    pyfile.Errors

	doc        *document // the file being read
	constraint bool      // it is a constraints file
	builds     bool      // of build requirements, see ReadConstraints
	noIndex    *pyfile.Error
	require    *pyfile.Error // --require-hashes, as an error to report
	noRequire  bool
}

func newRequirementsReader(files map[string][]byte) *requirementsReader {
	return &requirementsReader{files: files, docs: map[string]*document{}, read: map[string]bool{}, markers: map[string]python.Marker{},
		set: &requirementsSet{byName: map[string][]*requirement{}, indexes: []string{""}}}
}

func (r *requirementsReader) errorAt(at span, hint, format string, args ...any) {
	r.errs = append(r.errs, r.doc.errorAt(at, fmt.Sprintf(format, args...), hint))
}

// root reads a file that the Pyfile names. One that is empty asks for nothing.
func (r *requirementsReader) root(name string) {
	name = path.Clean(name)
	if _, known := r.files[name]; !known {
		r.wanted = append(r.wanted, name)
	}
	r.file(name, false)
}

// file reads a file and what it includes. What a file says twice counts once, so a file is read once in each of its two uses.
func (r *requirementsReader) file(name string, constraint bool) {
	use := name
	if constraint {
		use = "-c " + name
	}
	if r.read[use] {
		return
	}
	r.read[use] = true
	doc, known := r.docs[name]
	if !known {
		text, problem := decodeRequirements(name, r.files[name])
		if problem != nil {
			r.errs = append(r.errs, problem)
		} else {
			doc = &document{name: name, text: text, lines: lineStarts(text)}
		}
		r.docs[name] = doc
		r.set.files = append(r.set.files, name)
	}
	if doc == nil {
		return
	}
	outerDoc, outerUse := r.doc, r.constraint
	r.doc, r.constraint = doc, constraint
	r.open = append(r.open, name)
	for _, l := range logicalLines(doc.text) {
		r.line(&l)
	}
	r.open = r.open[:len(r.open)-1]
	r.doc, r.constraint = outerDoc, outerUse
}

// longestLine is the number of bytes that a joined line may have. A thousand hashes take 80 KiB.
const longestLine = 1 << 20

// line reads one line: a requirement with its options, or options.
func (r *requirementsReader) line(l *logicalLine) {
	if len(l.text) > longestLine {
		r.errorAt(l.span(0, 0), "", "the line is longer than 1 MiB")
		return
	}
	if !r.variables(l) {
		return
	}
	end := optionsStart(l.text)
	args := strings.TrimRight(l.text[:end], " ")
	options, others, ok := r.lineOptions(l, end)
	if !ok {
		return
	}
	isEditable := slices.ContainsFunc(options, func(o option) bool { return o.use == editable })
	if r.builds && !r.forBuilds(l, options) {
		return
	}
	switch {
	case args != "" && isEditable:
		r.errorAt(l.span(0, len(args)), "write them on two lines", "a requirement and an --editable stand on one line")
	case args != "" && len(others) > 0:
		w := others[0]
		r.errorAt(l.span(w.from, w.to), "options stand behind the requirement and its marker", "a word stands behind the options, where pip does not read it")
	case args != "":
		if r.onlyOwnOptions(l, options, false) {
			r.requirement(l, args, options)
		}
	case isEditable:
		if r.editableAlone(l, options, others) && r.onlyOwnOptions(l, options, true) {
			r.editable(l, options)
		}
	case len(others) > 0:
		w := others[0]
		hint := "write one option a line"
		if slices.ContainsFunc(options, func(o option) bool { return o.use == include }) {
			hint = "write one -r or -c a line"
		}
		r.errorAt(l.span(w.from, w.to), hint, "a word stands behind the options, where pip does not read it")
	default:
		r.optionLine(l, options)
	}
}

// optionsStart is where the options of a line begin: at the first "-" behind a blank.
func optionsStart(line string) int {
	if strings.HasPrefix(line, "-") {
		return 0
	}
	if i := strings.Index(line, " -"); i >= 0 {
		return i + 1
	}
	return len(line)
}

// variables reports the environment variables of a line: a build does not have those of the user.
func (r *requirementsReader) variables(l *logicalLine) bool {
	ok := true
	for at := 0; ; {
		i := strings.Index(l.text[at:], "${")
		if i < 0 {
			return ok
		}
		from := at + i
		at = from + 2
		length := strings.IndexFunc(l.text[at:], func(c rune) bool { return (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' })
		if length <= 0 || l.text[at+length] != '}' {
			continue // pip leaves it as it is
		}
		at += length + 1
		hint := "write the value into the file"
		if strings.Contains(l.text, "://") {
			hint = secretHint
		}
		r.errorAt(l.span(from, at), hint, "%s is not set: a build does not see the environment variables of your shell", l.text[from:at])
		ok = false
	}
}

// secretHint is what to do about a credential in an address.
const secretHint = `write the address without them, and give them to the build by a secret: [index.NAME] with url = "https://..." and secret = "ID"`

// onlyOwnOptions refuses options behind a requirement that pip does not apply to it.
func (r *requirementsReader) onlyOwnOptions(l *logicalLine, options []option, isEditable bool) bool {
	ok := true
	for _, o := range options {
		switch {
		case o.use == editable:
		case o.use != ofRequirement:
			r.errorAt(l.span(o.from, o.to), "write it on a line of its own", "%s stands behind a requirement, where pip passes over it", o.name)
			ok = false
		case isEditable && o.name == "--hash":
			r.errorAt(l.span(o.from, o.to), "leave it out", "an --editable has no --hash: pip passes over it")
			ok = false
		}
	}
	return ok
}

// editableAlone refuses what pip passes over behind an --editable.
func (r *requirementsReader) editableAlone(l *logicalLine, options []option, others []word) bool {
	if len(others) > 0 {
		w := others[0]
		r.errorAt(l.span(w.from, w.to), `write "NAME @ file:DIRECTORY ; MARKER" instead; an image holds a copy of the project in any case`,
			"pip does not read what stands behind an --editable")
		return false
	}
	found := false
	for _, o := range options {
		if o.use == editable && found {
			r.errorAt(l.span(o.from, o.to), "write one --editable a line", "pip reads only the first --editable of a line")
			return false
		}
		found = found || o.use == editable
	}
	return true
}

// optionLine reads a line that has options only.
func (r *requirementsReader) optionLine(l *logicalLine, options []option) {
	for i, o := range options {
		at := l.span(o.from, o.to)
		switch {
		case o.use == include && len(options) > 1:
			r.errorAt(at, "write one -r or -c a line", "pip reads only one file of a line, and no other option")
			return
		case o.use == include:
			r.include(o, at)
		case o.use == ofRequirement && i == 0 && o.name == "--hash":
			r.errorAt(at, `end the line of the requirement with " \"`, "a --hash has no requirement before it")
		case o.use == ofRequirement:
			r.errorAt(at, "write it behind the requirement that it is for", "%s has no requirement before it", o.name)
		default:
			r.fileOption(o, at)
		}
	}
}

// finish decides what the lines come to together.
func (r *requirementsReader) finish() *requirementsSet {
	s := r.set
	s.hashMode = r.require != nil
	for _, q := range slices.Concat(s.requirements, s.constraints) {
		s.hashMode = s.hashMode || slices.ContainsFunc(q.hashes, func(h requirementHash) bool { return !h.fragment })
	}
	if r.noRequire {
		if r.require != nil {
			r.errs = append(r.errs, r.require)
		}
		s.hashMode = false
	}
	if !s.hashMode {
		for _, l := range s.findLinks {
			if l.problem != nil {
				r.errs = append(r.errs, l.problem)
			}
		}
		return s
	}
	if r.noIndex != nil && slices.ContainsFunc(s.requirements, func(q *requirement) bool { return q.kind == "" }) {
		r.errs = append(r.errs, r.noIndex)
	}
	seen := map[string]bool{}
	for _, q := range s.requirements {
		if q.name == "" {
			if q.problem != nil && q.marker.IsZero() && q.dir != "." { // that may be the project, which needs no name
				r.errs = append(r.errs, q.problem)
			}
			continue
		}
		group := s.byName[q.name]
		if seen[q.name] || slices.ContainsFunc(group, func(q *requirement) bool { return !q.marker.IsZero() }) {
			continue // what depends on the target is checked when that is known
		}
		seen[q.name] = true
		_, errs := mergeRequirements(group)
		r.errs = append(r.errs, errs...)
	}
	return s
}
