// Package diagnosis reads the output of a failed build of a Python source and says in one line what is missing and what to type. It knows the
// words of compilers and linkers, of meson, cmake, pkg-config and cargo, of setuptools, Cython and pip, and of Python itself; it asks nobody.
//
// Failure is the file in which a program that runs inside a build hands such an answer, or one of its own, to the frontend.
package diagnosis

import "strings"

// Kind is a class of causes.
type Kind string

// The causes.
const (
	Header      Kind = "header"      // of C or C++, which a package of the distribution has
	Program     Kind = "program"     // that the build runs
	Library     Kind = "library"     // that the build links with, or asks pkg-config, meson or cmake for
	Compiler    Kind = "compiler"    // there is none for the language
	Network     Kind = "network"     // the build reaches out
	Certificate Kind = "certificate" // nobody whom the build trusts signed that of a host
	Memory      Kind = "memory"      // the machine has too little
	Disk        Kind = "disk"        // the machine has too little
	Python      Kind = "python"      // the source is not made for this Python
	Requirement Kind = "requirement" // a Python module or another version of one is missing from the build's environment
	Backend     Kind = "backend"     // anything else, in the build's own words
)

// Facts are what is known of the build whose output is read. The zero value is that of an unknown package on Debian, built without a network.
type Facts struct {
	Name, Version string // of the package, as its metadata writes them; both may be empty
	Own           bool   // it is the user's own project, not a dependency
	Python        string // full version of the interpreter
	Distribution  string // ID of os-release; with "alpine" the hints name packages of Alpine, else of Debian
	Network       bool   // the build may use the network
	CA            string // file of the build secret with certificates; it need not be there
	Exit          int    // status of the failed process; a signal is 128 more than its number, or its number negated
}

// Diagnosis is the cause of a failed build.
type Diagnosis struct {
	Kind          Kind
	Name          string   // of the missing or wrong thing: libpq-fe.h, pg_config, cairo, numpy, a host
	Wants         []string // all that is missing, as a kind and a name: header:, program:, library:, pkgconfig:, cmake:, module:
	Packages      []string // of the distribution that have what is wanted, as far as this package knows them
	Message, Hint string   // one line each; the hint may be empty
	Line          string   // of the output, on which the diagnosis stands
}

// Failure is the diagnosis for the file of a step.
func (d *Diagnosis) Failure() Failure {
	return Failure{Message: d.Message, Hint: d.Hint, Kind: d.Kind, Wants: d.Wants}
}

// Of finds the cause of a failure in the output of the build, or in its end. It is nil when the output names none.
func Of(log []byte, f Facts) *Diagnosis {
	o := read(log)
	var best *finding
	for _, find := range []func(*output, Facts) []*finding{tools, untrusted, packagers, exceptions, signals} {
		for _, found := range find(o, f) {
			if found.at < o.resumed && found.kind != Memory && found.kind != Disk {
				continue
			}
			if best == nil || found.rank < best.rank || found.rank == best.rank && found.at < best.at {
				best = found
			}
		}
	}
	if best == nil {
		return nil
	}
	return best.diagnosis(o, f)
}

// rank orders the causes: one of a lower rank explains those of a higher.
type rank int

const (
	machine rank = iota // without memory or disk anything else may fail
	certain             // the words of a tool that gives up
	raised              // the exception that ended the build
	likely              // words that appear in builds that succeed too
	general             // only that the build failed
)

// finding is a possible cause.
type finding struct {
	rank  rank
	at    int // index of the line
	kind  Kind
	name  string
	wants []string
	about string // what the message says of it, where its kind does not decide that
	hint  string // where the kind does not decide it; %s stands for taking another release
}

func (found *finding) diagnosis(o *output, f Facts) *Diagnosis {
	d := &Diagnosis{Kind: found.kind, Name: line(found.name, longestName), Wants: names(found.wants)}
	d.Packages = packagesFor(d.Wants, f.Distribution)
	d.Message = line(message(found, f), longestMessage)
	d.Hint = line(hint(found, d.Packages, f), longestHint)
	if found.at < len(o.lines) {
		d.Line = line(o.lines[found.at], longestMessage)
	}
	return d
}

// subject names what is built.
func (f Facts) subject() string {
	switch {
	case f.Name == "" && f.Own:
		return "the project"
	case f.Name == "":
		return "the package"
	case f.Version == "" || f.Own:
		return f.Name
	}
	return f.Name + " " + f.Version
}

// python is the version that people use: 3.13 of 3.13.5.
func (f Facts) python() string {
	major, rest, ok := strings.Cut(f.Python, ".")
	if !ok {
		return "this Python"
	}
	minor, _, _ := strings.Cut(rest, ".")
	return "Python " + major + "." + minor
}
