package verify

import (
	"cmp"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/elf"
)

// Report is the judgement of an image.
type Report struct {
	Findings []Finding `json:"findings"`           // sorted
	Packages []string  `json:"packages,omitempty"` // all that findings ask for, sorted, so that they can be written as one line
}

// ReportFile is the file name of a report.
const ReportFile = "report.json"

// Kind is what a finding is about.
type Kind string

// Kinds of findings, in the order of a report.
const (
	MissingLibrary Kind = "library"      // a shared library that is found nowhere
	Libc           Kind = "libc"         // a C library that is too old or another one
	Symbols        Kind = "symbols"      // another library that is too old
	Architecture   Kind = "architecture" // objects for another machine
	Dlopen         Kind = "dlopen"       // a library that a module loads by its name, and that is not there
	Program        Kind = "program"      // a program that a module starts, and that is not there
	Collision      Kind = "collision"    // two distributions that have one path
	Requirement    Kind = "requirement"  // a requirement of a distribution that is not met
	Locked         Kind = "locked"       // another version than that of the lock
	Ignore         Kind = "ignore"       // an entry of the list of what to ignore that ignores nothing
)

// Severity is how bad a finding is.
type Severity string

// Severities. An error is certain to make something fail that this build made; a warning may be about a part that is not used.
const (
	Error   Severity = "error"
	Warning Severity = "warning"
	Notice  Severity = "notice"
)

// Provenance is where a distribution comes from.
const (
	Built    = "built"    // from source, in this build
	Prebuilt = "prebuilt" // as a wheel of an index
)

// Finding is one thing that is not as it should be.
type Finding struct {
	Kind         Kind     `json:"kind"`
	Severity     Severity `json:"severity"`
	Distribution string   `json:"distribution,omitempty"` // as METADATA writes it; "" for an application that is not packaged
	Version      string   `json:"version,omitempty"`
	Provenance   string   `json:"provenance,omitempty"` // Built or Prebuilt
	Path         string   `json:"path,omitempty"`       // the object or file, the first of Count
	Count        int      `json:"count,omitempty"`      // objects or files that it is about
	Soname       string   `json:"soname,omitempty"`     // of the library that is missing or too old
	Program      string   `json:"program,omitempty"`    // that is missing
	Package      string   `json:"package,omitempty"`    // that has the library or program, "" if unknown
	Others       []string `json:"others,omitempty"`     // other distributions, libraries between Path and Soname, or names that would do; for Ignore the entry
	Short        string   `json:"short"`                // one line that says it all, for where nothing else is shown
	Message      string   `json:"message"`              // the same with the details
	Hint         string   `json:"hint,omitempty"`       // what to do

	common string // the directory that all files are in or below
}

// Write writes a report in its one form.
func (r *Report) Write(w io.Writer) error { return write(w, r) }

// ReadReport reads what Write wrote.
func ReadReport(data []byte) (*Report, error) {
	r := &Report{}
	if err := readJSON(data, r); err != nil {
		return nil, fmt.Errorf("not a report: %w", err)
	}
	return r, nil
}

// observation is a finding about one object or file, before those that say the same are made one.
type observation struct {
	Finding
	group string         // tells the findings apart that agree in kind, distribution and soname
	text  func(*Finding) // writes Short, Message and Hint when all are known
	value string         // of which the greatest by elf.CompareVersions stands for all
}

// merge makes one finding of the observations that say the same, the first path standing for all.
func merge(list []observation) []Finding {
	type key struct {
		kind                        Kind
		distribution, soname, group string
	}
	groups := map[key]*observation{}
	order := []*observation{}
	slices.SortStableFunc(list, func(a, b observation) int { return cmp.Compare(a.Path, b.Path) })
	for _, o := range list {
		k := key{o.Kind, o.Distribution, o.Soname, o.group}
		was := groups[k]
		if was == nil {
			o.Count, o.common = max(o.Count, 1), path.Dir(o.Path)
			groups[k] = &o
			order = append(order, &o)
			continue
		}
		count, common := was.Count, was.common
		if o.Path != was.Path {
			count++
		}
		for len(common) > 1 && !strings.HasPrefix(o.Path, common+"/") {
			common = path.Dir(common)
		}
		if elf.CompareVersions(o.value, was.value) > 0 {
			*was = o
		}
		was.Count, was.common = count, common
	}
	findings := []Finding{}
	for _, o := range order {
		if o.Path == "" {
			o.Count = 0
		}
		o.text(&o.Finding)
		findings = append(findings, o.Finding)
	}
	slices.SortStableFunc(findings, compareFindings)
	return findings
}

var kinds = []Kind{MissingLibrary, Libc, Symbols, Architecture, Dlopen, Program, Collision, Requirement, Locked, Ignore}

func compareFindings(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)),
		cmp.Compare(a.Distribution, b.Distribution), cmp.Compare(a.Soname, b.Soname), cmp.Compare(a.Program, b.Program), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Short, b.Short))
}

// objects is the beginning of a sentence about the objects of a finding, with the verb in the form that fits their number.
func (f *Finding) objects(verb, plural string) string {
	switch f.Count {
	case 0, 1:
		return f.Path + " " + verb
	case 2:
		return f.Path + " and 1 more object " + plural
	}
	return fmt.Sprintf("%s and %d more objects %s", f.Path, f.Count-1, plural)
}

// subject names the distribution of a finding, with its version if it is to be precise.
func (f *Finding) subject(precise bool) string {
	switch {
	case f.Distribution == "":
		return "the application"
	case precise && f.Version != "":
		return f.Distribution + " " + f.Version
	}
	return f.Distribution
}

// severe is the severity of what is certain to fail in a distribution that was built here, and may be about an unused part of another.
func severe(built bool) Severity {
	if built {
		return Error
	}
	return Warning
}

func provenance(built bool) string {
	if built {
		return Built
	}
	return Prebuilt
}
