package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/containerd/platforms"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/org/pyfile/build"
	"github.com/org/pyfile/distro"
	"github.com/org/pyfile/index"
	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// Source is an image of a registry with its configuration.
type Source struct {
	Ref      string // as the user named it, without digest
	Platform string
	Config   dockerspec.DockerOCIImage
}

// Repository is where a git context comes from.
type Repository struct {
	URL    string
	Ref    string // branch, tag or commit; empty for the default branch
	Subdir string // that is the context; empty for all of it
}

// Inputs is what New needs beside the project: the platforms, the images and what the daemon can do.
type Inputs struct {
	Platform      ocispecs.Platform
	BuildPlatform ocispecs.Platform
	Runs          []ocispecs.Platform // those of which the builder can start programs, by emulation too; empty when it does not say
	Base          Source
	Builder       Source // empty unless Project.NeedsBuilder
	Facts         Facts
	Sources       map[string]build.Project // what the result of SourcesPlan says, by the name of the package
	Repository    *Repository              // that the context comes from, if it is one of git
	Refs          build.Refs               // what the result of RefsPlan says
	Merge         bool                     // the daemon can merge layers; without it they are copied one on the other
	Packed        map[string]string        // file names of the wheels of Project.Packed, by Packed.Source
	Found         *index.Answer            // the answer that the result of LookupPlan has
	Resolved      *lock.Lock               // the lock that the result of ResolvePlan has
	Labels        []Var                    // of the command line, sorted by name
	Version       string                   // of projects that take it from git, when the user says it (build.VersionArg)
	Created       *time.Time               // of the image and its layers; nil means that of the base
}

// New decides the build for one platform. Errors are pyfile.Errors.
func (p *Project) New(in Inputs) (*Plan, error) {
	s, err := p.stages(in)
	if err != nil {
		return nil, err
	}
	if err := s.decide(); err != nil {
		return nil, err
	}
	return s.plan(s.result), nil
}

// decide adds the steps of the target.
func (s *stages) decide() error {
	if err := append(s.checkUser(s.in.Facts), s.checkVersion(s.in.Version)...).Err(); err != nil {
		return err
	}
	if err := s.choose(); err != nil {
		return err
	}
	if errs := append(s.checkSources(), s.checkPackages()...); len(errs) > 0 {
		return errs
	}
	var err error
	if s.result, err = s.target(); err != nil {
		return err
	}
	return s.checkEmulation().Err()
}

// stages begins a plan.
func (p *Project) stages(in Inputs) (*stages, error) {
	runs, problem := p.interpreter(in.Facts, in.Base)
	if problem != nil {
		return nil, pyfile.Errors{problem}
	}
	if err := p.checkEnvironment(in, runs).Err(); err != nil {
		return nil, err
	}
	target, err := p.target(in, runs)
	if err != nil {
		return nil, err
	}
	return &stages{Project: p, in: in, python: target.Python, wanted: target, runs: runs, minor: strings.TrimPrefix(runs.Name(), "python"),
		foreign: platforms.FormatAll(in.Platform) != platforms.FormatAll(in.BuildPlatform)}, nil
}

// plan is the plan of the steps so far.
func (s *stages) plan(result string) *Plan {
	p := &Plan{
		Platform:      platforms.FormatAll(s.in.Platform),
		BuildPlatform: platforms.FormatAll(s.in.BuildPlatform),
		Python:        s.python.String(),
		Target:        s.Target,
		Steps:         s.steps,
		Result:        result,
		Warnings:      s.warnings,
	}
	if !slices.Contains([]string{lookupStep, resolveStep, sourcesStep, providersStep}, result) {
		p.Image = s.image()
		p.Report, p.places = s.report, s.places()
	}
	return p
}

// request is what is asked of the lock.
func (s *stages) request() lock.Request {
	return lock.Request{
		Target: s.wanted, Project: s.Meta, Found: s.in.Found,
		Groups: s.File.Dependencies.Groups.Items, Extras: s.File.Dependencies.Extras.Items, FromSource: s.File.Dependencies.FromSource.Items,
	}
}

// choose selects what the target needs from the lock.
func (s *stages) choose() error {
	l, request := s.Lock, s.request()
	if s.open != nil {
		l = s.in.Resolved
		request.Groups, request.Extras = nil, nil // the resolver knew them
		s.warnings = append(s.warnings, s.notLocked())
	}
	if l == nil {
		return nil
	}
	artifacts, err := l.Select(request)
	errs := append(collect(err), s.checkNames(l, artifacts)...)
	if len(errs) > 0 {
		return errs
	}
	if e := lock.CUDA(artifacts, s.Meta); e != nil {
		s.warnings = append(s.warnings, Warning{Rule: CUDAWheels, Error: *e})
	}
	s.checkNetwork()
	var problems pyfile.Errors
	s.selection, problems = s.divide(artifacts)
	if s.Target == Test && len(problems) == 0 {
		return s.chooseTests(l, request, artifacts)
	}
	return problems.Err()
}

// CUDAWheels is the rule that a project with an index of CPU builds installs no CUDA builds.
var CUDAWheels = &Rule{Name: "CUDAWheels", Description: "CUDA builds are installed though an index of CPU builds is declared"}

// CheckPlatform refuses a platform that no wheel can be chosen for. New does the same.
func (p *Project) CheckPlatform(platform ocispecs.Platform) error {
	_, err := machine(platform)
	return err
}

// machine is what Python calls the platform's architecture.
func machine(p ocispecs.Platform) (string, error) {
	name, ok := python.Machine(p.Architecture, p.Variant)
	if !ok || p.OS != "linux" {
		return "", pyfile.Errors{{Range: FirstLine, Msg: fmt.Sprintf("platform %s is not supported", platforms.FormatAll(p)),
			Hint: "build with --platform linux/amd64 or linux/arm64"}}
	}
	return name, nil
}

// CheckBase refuses a base that cannot be right by its configuration alone, before anything of it is read: an official image says which
// Python it has.
func (p *Project) CheckBase(in Inputs) error {
	said, _ := strings.CutSuffix(p.Python.Value, "t")
	full := env(in.Base.Config.Config.Env, "PYTHON_VERSION")
	version, err := python.ParseVersion(full)
	if err != nil || len(version.Release()) < 3 || full == said || strings.HasPrefix(full, said+".") {
		return nil
	}
	return pyfile.Errors{p.otherPython(in.Base, []string{full})}
}

// target is what wheels are chosen for: the base's own Python, C library and architecture.
func (p *Project) target(in Inputs, runs distro.Interpreter) (python.Target, error) {
	machine, err := machine(in.Platform)
	if err != nil {
		return python.Target{}, err
	}
	version, err := python.ParseVersion(runs.Version)
	if err != nil {
		return python.Target{}, p.ImageError(in.Base.Ref, fmt.Sprintf("base %s has a Python %q, which is no version", in.Base.Ref, runs.Version), "")
	}
	wanted := python.Target{Python: version, Machine: machine, Libc: in.Facts.Libc, FreeThreaded: runs.FreeThreaded}
	if p.Meta != nil && p.Meta.RequiresPython.Set() {
		spec, err := python.ParseSpecifiers(p.Meta.RequiresPython.Value)
		if err == nil && !wanted.Satisfies(spec) {
			return python.Target{}, p.pythonError(
				fmt.Sprintf("python is %s, but pyproject.toml has requires-python = %q", runs.Version, p.Meta.RequiresPython.Value),
				fmt.Sprintf("write %s, or change requires-python", p.writePython(proposePython(p.Meta.RequiresPython.Value))))
		}
	}
	return wanted, nil
}

// env looks a variable up in an image's environment.
func env(list []string, name string) string {
	for _, v := range list {
		if k, value, _ := strings.Cut(v, "="); k == name {
			return value
		}
	}
	return ""
}
