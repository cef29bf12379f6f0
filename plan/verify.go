package plan

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"unicode"

	"github.com/org/pyfile/facts"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
	"github.com/org/pyfile/verify"
)

// ReportFile is where the result of Plan.Report has what is wrong with the finished tree.
const ReportFile = notesDir + "/" + verify.ReportFile

const (
	reportStep  = "report"
	systemPath  = "/run/pyfile/system.json"
	builderPath = "/run/pyfile/builder.json"
)

// verify adds the step that checks what was installed: from facts that the install steps leave, and a description of the system that they
// are put on. It reads no tree, so that a runner with a cache pulls nothing for it.
func (s *stages) verify() string {
	if len(s.facts) == 0 && (s.Target != Base || s.Install == installNone) { // base has what final has, less the application
		return ""
	}
	args := []string{"check", "--system", systemPath, "--python", s.python.String(), "--machine", s.wanted.Machine, "--out", outDir}
	mounts := []Mount{{Path: systemPath, From: s.system("system", Base, s.basePackages(), s.baseArgs()...), Source: "/" + verify.SystemFile}, {Path: outDir, Output: true}}
	if s.compiled {
		mounts = append(mounts, Mount{Path: builderPath, From: s.system("builder-system", DepBuilder, s.compiling(false).root), Source: "/" + verify.SystemFile})
		args = append(args, "--builder", builderPath)
	}
	args = append(args, s.lockedArgs()...)
	for _, name := range s.File.Verify.Ignore.Values() {
		args = append(args, "--ignore", name)
	}
	for i, id := range s.facts {
		at := path.Join(factsDir, fmt.Sprintf("%d.json", i+1))
		mounts, args = append(mounts, Mount{Path: at, From: id, Source: "/" + facts.Name}), append(args, at)
	}
	origin := s.origin(s.File.Verify.Range, s.File.Dependencies.Range)
	checked := s.add(Step{ID: "verify", Stage: s.Target, Name: "[" + s.Target + "] verify what was installed", Origin: origin, Exec: s.program("", "verify", args, mounts...)})
	return s.note(Step{ID: reportStep, Stage: s.Target, Name: "[" + s.Target + "] note what was found", Origin: origin}, Copy{From: checked, Source: "/" + verify.ReportFile, Path: ReportFile})
}

// baseArgs tell the description of the base what its configuration says: where its programs and libraries are looked for. A variable that
// the Pyfile sets changes nothing here, so that a description serves all Pyfiles with one base.
func (s *stages) baseArgs() []string {
	args := []string{"--path", searchPath(s.in.Base), "--interpreter", s.runs.Path}
	if libraries := env(s.in.Base.Config.Config.Env, "LD_LIBRARY_PATH"); libraries != "" {
		args = append(args, "--library-path", libraries)
	}
	return args
}

// system adds the step that describes an image's shared libraries and programs.
func (s *stages) system(id, stage, root string, args ...string) string {
	return s.add(Step{ID: id, Stage: stage, Name: "[" + stage + "] read the shared libraries", Origin: s.origin(s.File.Base.Range),
		Exec: s.program(root, "verify", append([]string{"system", "--root", "/", "--out", outDir}, args...), Mount{Path: outDir, Output: true})})
}

// rules are the kinds of what verify finds, as rules that a user can skip.
var rules = map[verify.Kind]*Rule{
	verify.MissingLibrary: {Name: "MissingLibrary", Description: "A shared library that a package needs is not in the image"},
	verify.Libc:           {Name: "OldLibc", Description: "The C library of the image is older than what a package needs"},
	verify.Symbols:        {Name: "OldLibrary", Description: "A shared library of the image is older than what a package needs"},
	verify.Architecture:   {Name: "OtherArchitecture", Description: "A package has code for another machine"},
	verify.Dlopen:         {Name: "MissingLibrary", Description: "A shared library that a package loads by its name is not in the image"},
	verify.Program:        {Name: "MissingProgram", Description: "A program that a package starts is not in the image"},
	verify.Collision:      {Name: "Collision", Description: "Two packages have the same file with different contents"},
	verify.Requirement:    {Name: "UnmetRequirement", Description: "A package requires another one that is not there in a fitting version"},
	verify.Locked:         {Name: "OtherVersion", Description: "The image that replaces a stage has another version of a package than the lock"},
	verify.Ignore:         {Name: "UselessIgnore", Description: "An entry of [verify] ignore leaves nothing alone"},
}

// Problems are what a report says is wrong, at the lines of the user's files where it can be mended: packages of the distribution in the
// Pyfile, distributions in the lock.
func (p *Plan) Problems(report *verify.Report) (errs pyfile.Errors, warnings []Warning) {
	for _, f := range report.Findings {
		f.Message, f.Hint, f.Short = printable(f.Message), printable(f.Hint), printable(f.Short)
		e := p.place(f)
		if p.places.image != "" && f.Package != "" {
			f.Hint += ", and build " + p.places.image + " anew"
		}
		e.Msg, e.Hint = f.Message, f.Hint
		if f.Severity == verify.Error {
			errs = append(errs, &e)
			continue
		}
		e.Msg = f.Short
		if f.Short != f.Message {
			e.Hint = f.Message
			if f.Hint != "" {
				e.Hint += "; " + f.Hint
			}
		}
		warnings = append(warnings, Warning{Rule: rules[f.Kind], Error: e})
	}
	return errs, warnings
}

// printable takes out what would move the cursor of a terminal: wheels choose the names of their files.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}

// place is where a finding can be mended.
func (p *Plan) place(f verify.Finding) pyfile.Error {
	switch f.Kind {
	case verify.MissingLibrary, verify.Dlopen, verify.Program, verify.Libc, verify.Symbols:
		return pyfile.Error{Range: p.places.packages}
	case verify.Ignore:
		for _, entry := range p.places.ignored {
			if len(f.Others) > 0 && entry.Value == f.Others[0] {
				return pyfile.Error{Range: entry.Range}
			}
		}
	}
	if at, ok := p.places.locked[python.NormalizeName(f.Distribution)]; ok {
		return at
	}
	return pyfile.Error{Range: p.places.dependencies}
}

// places are the lines that a plan comes from.
type places struct {
	image        string       // that replaces a stage, for hints
	packages     pyfile.Range // where packages of the distribution are named, or would be
	dependencies pyfile.Range
	ignored      []pyfile.String
	locked       map[string]pyfile.Error // the line of each package in the lock, by normalised name
}

// places finds them.
func (s *stages) places() places {
	out := places{ignored: s.File.Verify.Ignore.Items, locked: map[string]pyfile.Error{},
		packages:     s.origin(s.File.Apt.Run.Range, s.File.Apt.Range, s.File.Base.Range).Range,
		dependencies: s.origin(s.File.Dependencies.Range).Range}
	if s.start != "" {
		out.image = s.label(s.in.Base)
	}
	for _, a := range slices.Concat(s.wheels, s.sources, s.members) {
		out.locked[a.Name] = pyfile.Error{File: a.Lock, Range: a.Origin}
	}
	return out
}
