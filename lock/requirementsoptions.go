package lock

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// word is one word of the options of a line, by the quoting rules of a POSIX shell.
type word struct {
	text     string
	from, to int // in the line
}

// shellWords splits like Python's shlex.split; not ok means an open quote or a "\" at the end. Blank, tab and line ends separate.
func shellWords(line string, from int) (words []word, ok bool) {
	for i := from; i < len(line); {
		if isShellSpace(line[i]) {
			i++
			continue
		}
		w := word{from: i}
		for i < len(line) && !isShellSpace(line[i]) && strings.IndexByte("\"'\\", line[i]) < 0 {
			i++
		}
		w.text = line[w.from:i]
		if i < len(line) && !isShellSpace(line[i]) {
			var rest string
			if rest, i, ok = quotedWord(line, i); !ok {
				return nil, false
			}
			w.text += rest
		}
		w.to = i
		words = append(words, w)
	}
	return words, true
}

func isShellSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\r' || c == '\n' }

// quotedWord reads the rest of a word that has quotes or backslashes, and returns where it ends.
func quotedWord(line string, from int) (text string, end int, ok bool) {
	var out strings.Builder
	quote := byte(0)
	for i := from; i < len(line); i++ {
		c := line[i]
		switch {
		case quote == 0 && isShellSpace(c):
			return out.String(), i, true
		case quote != 0 && c == quote:
			quote = 0
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case c == '\\' && quote != '\'':
			if i+1 == len(line) {
				return "", 0, false
			}
			if next := line[i+1]; quote == 0 || next == '"' || next == '\\' {
				i++
				c = next
			}
			out.WriteByte(c)
		default:
			out.WriteByte(c)
		}
	}
	return out.String(), len(line), quote == 0
}

// optionUse tells what an option belongs to.
type optionUse uint8

const (
	ofFile optionUse = iota
	ofRequirement
	include
	editable
)

type optionForm struct {
	name  string // the long form
	use   optionUse
	value bool // it takes one
}

// optionForms are the options that pip takes in requirements files, by their names.
var optionForms = map[string]optionForm{
	"--index-url":         {"--index-url", ofFile, true},
	"--pypi-url":          {"--index-url", ofFile, true},
	"-i":                  {"--index-url", ofFile, true},
	"--extra-index-url":   {"--extra-index-url", ofFile, true},
	"--no-index":          {"--no-index", ofFile, false},
	"--find-links":        {"--find-links", ofFile, true},
	"-f":                  {"--find-links", ofFile, true},
	"--no-binary":         {"--no-binary", ofFile, true},
	"--only-binary":       {"--only-binary", ofFile, true},
	"--prefer-binary":     {"--prefer-binary", ofFile, false},
	"--require-hashes":    {"--require-hashes", ofFile, false},
	"--no-require-hashes": {"--no-require-hashes", ofFile, false},
	"--pre":               {"--pre", ofFile, false},
	"--all-releases":      {"--all-releases", ofFile, true},
	"--only-final":        {"--only-final", ofFile, true},
	"--trusted-host":      {"--trusted-host", ofFile, true},
	"--use-feature":       {"--use-feature", ofFile, true},
	"--requirement":       {"--requirement", include, true},
	"-r":                  {"--requirement", include, true},
	"--constraint":        {"--constraint", include, true},
	"-c":                  {"--constraint", include, true},
	"--editable":          {"--editable", editable, true},
	"-e":                  {"--editable", editable, true},
	"--hash":              {"--hash", ofRequirement, true},
	"--config-settings":   {"--config-settings", ofRequirement, true},
	"-C":                  {"--config-settings", ofRequirement, true},
}

// longOptions are the long names, sorted.
var longOptions = func() []string {
	var out []string
	for name := range optionForms {
		if strings.HasPrefix(name, "--") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}()

// removedOptions say what to write instead of what older versions of pip took.
var removedOptions = map[string]string{
	"--global-option":            `write --config-settings "--global-option=..." (pip 25.3 dropped --global-option)`,
	"--install-option":           "pip 23.1 dropped --install-option; ask the build backend for a setting: --config-settings \"KEY=VALUE\"",
	"--process-dependency-links": "pip 19 dropped it; write NAME @ URL",
	"--allow-external":           "pip 10 dropped it; leave it out",
	"--allow-unverified":         "pip 10 dropped it; leave it out",
	"--always-unzip":             "it does nothing; leave it out",
	"-Z":                         "it does nothing; leave it out",
}

// option is an option with its value and their places in the line.
type option struct {
	optionForm
	text     string
	from, to int // of the value, or of the option if it takes none
}

// lineOptions reads the options of a line, with the rules of Python's optparse: a long name may be cut short where it stays
// unique, and a short one may have its value behind it without a blank. others are words that are no option.
func (r *requirementsReader) lineOptions(l *logicalLine, from int) (options []option, others []word, ok bool) {
	words, ok := shellWords(l.text, from)
	if !ok {
		r.errorAt(l.span(from, len(l.text)), `close the quote, or write \\ for a backslash`, "the options of the line cannot be split into words")
		return nil, nil, false
	}
	for i := 0; i < len(words); i++ {
		w := words[i]
		if len(w.text) < 2 || w.text[0] != '-' {
			others = append(others, w)
			continue
		}
		name, value, hasValue := w.text, "", false
		if strings.HasPrefix(name, "--") {
			name, value, hasValue = strings.Cut(name, "=")
		} else if len(name) > 2 {
			name, value, hasValue = name[:2], name[2:], true
		}
		form, known := r.optionNamed(l, w, name)
		if !known {
			ok = false
			continue
		}
		o := option{optionForm: form, text: value, from: w.from, to: w.to}
		switch {
		case form.value && !hasValue && i+1 == len(words):
			r.errorAt(l.span(w.from, w.to), "", "%s needs a value", form.name)
			ok = false
			continue
		case form.value && !hasValue:
			i++
			o.text, o.from, o.to = words[i].text, words[i].from, words[i].to
		case form.value:
			if raw := l.text[w.from:w.to]; strings.HasSuffix(raw, value) {
				o.from = w.to - len(value)
			}
		case hasValue:
			r.errorAt(l.span(w.from, w.to), "", "%s takes no value", form.name)
			ok = false
			continue
		}
		options = append(options, o)
	}
	return options, others, ok
}

// optionNamed finds an option by its name or by the beginning of it.
func (r *requirementsReader) optionNamed(l *logicalLine, w word, name string) (optionForm, bool) {
	if form, ok := optionForms[name]; ok {
		return form, true
	}
	var begin []string
	if len(name) > 2 {
		for _, long := range longOptions {
			if strings.HasPrefix(long, name) {
				begin = append(begin, long)
			}
		}
	}
	if len(begin) == 1 {
		return optionForms[begin[0]], true
	}
	hint := ""
	// An option that runs into an address must not be shown.
	shown := name[:len(name)-len(strings.TrimLeft(name, "-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"))]
	switch {
	case removedOptions[name] != "":
		hint = removedOptions[name]
	case len(begin) > 1:
		hint = "write one of " + listing(begin, ", ")
	default:
		hint = nearest(shown, longOptions, "options of requirements files are %s")
	}
	r.errorAt(l.span(w.from, w.to), hint, "pip knows no option %s in a requirements file", shown)
	return optionForm{}, false
}

// fileOption applies an option of the whole set.
func (r *requirementsReader) fileOption(o option, at span) {
	s := r.set
	switch o.name {
	case "--index-url":
		if r.noIndex == nil && r.indexAddress(o, at) {
			s.indexes = []string{o.text}
		}
	case "--extra-index-url":
		if r.noIndex == nil && r.indexAddress(o, at) {
			s.indexes = append(s.indexes, o.text)
		}
	case "--no-index":
		s.indexes = nil
		r.noIndex = r.doc.errorAt(at, "--no-index leaves no index to look for the files in",
			"leave it out, or name the files: ./wheels/NAME-1.0-py3-none-any.whl --hash=...")
	case "--find-links":
		r.findLinks(o, at)
	case "--no-binary", "--only-binary":
		if strings.HasPrefix(o.text, "-") {
			r.errorAt(at, "", "%s needs names of packages, :all: or :none:", o.name)
			return
		}
		s.formats.set(o.name == "--only-binary", o.text)
	case "--require-hashes":
		r.require = r.doc.errorAt(at, "--require-hashes and --no-require-hashes exclude each other", "write one of them")
	case "--no-require-hashes":
		r.noRequire = true
	}
}

// indexAddress checks the address of an index. It never shows it, for it may hold a password.
func (r *requirementsReader) indexAddress(o option, at span) bool {
	u, err := url.Parse(o.text)
	switch {
	case err == nil && u.User != nil, err != nil && strings.Contains(o.text, "@"):
		r.errorAt(at, secretHint, "%s has a user name or password in its address", o.name)
		return false
	case err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "":
		r.errorAt(at, "", "%s must be an address that starts with https://", o.name)
		return false
	}
	return true
}

// findLinks notes where pip would look for files besides the indexes. It is relative to the file it stands in.
func (r *requirementsReader) findLinks(o option, at span) {
	var links findLinks
	if strings.Contains(o.text, "://") && !strings.HasPrefix(o.text, "file:") {
		if !r.indexAddress(o, at) {
			return
		}
	} else {
		dir, ok := contextPath(r.doc.name, strings.TrimPrefix(o.text, "file://"))
		if ok {
			links.path = dir
		} else {
			// pip-compile writes the user's own setting into the file. An index has the files as well, mostly.
			links.problem = r.doc.errorAt(at, fmt.Sprintf("%s: the directory lies outside of the build context", o.name), outsideHint)
		}
	}
	r.set.findLinks = append(r.set.findLinks, links)
}
