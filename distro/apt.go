package distro

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// apt installs Debian's packages. Options on the command line stand above those of the image's /etc/apt, which stays as it is: so
// the official images' rule to delete what was downloaded does not reach our directories.
type apt struct {
	InstallOptions
	options []string
}

func newApt(o InstallOptions) *apt {
	settings := []string{
		"Dir::State::Lists=" + o.Lists,
		"Dir::Cache::Archives=" + o.Archives,
		// apt's own index of the lists and of what is installed is shared by the calls of one run only: apt takes another image's
		// for its own when the dates of both databases are equal, and ours are.
		"Dir::Cache::pkgcache=" + filepath.Join(o.Archives, "pkgcache.bin"),
		"Dir::Cache::srcpkgcache=",
		"Dir::Log::Terminal=/dev/null",
		"Dir::Log::History=/dev/null",
		"Dir::Log::Planner=/dev/null",
		"DPkg::Options::=--log=/dev/null",
		"DPkg::Options::=--force-confold",
		"DPkg::Options::=--force-unsafe-io", // the layer is written to the disk once it is whole
		"Dpkg::Use-Pty=false",
		"APT::Sandbox::User=root", // the user _apt cannot write to directories that are root's
		"APT::Keep-Downloaded-Packages=true",
		"APT::Get::List-Cleanup=false", // other images may keep their lists here too
		"APT::Update::Error-Mode=any",  // old lists would be used in silence
		"APT::Install-Recommends=false",
		"APT::Install-Suggests=false",
		"APT::Cmd::Pattern-Only=true", // a name with a dot is no regular expression
		"Acquire::Languages=none",
		"Acquire::Retries=3",
	}
	if o.CA != "" {
		if _, err := os.Stat(o.CA); err == nil {
			settings = append(settings, "Acquire::https::CAInfo="+o.authorities())
		}
	}
	a := &apt{InstallOptions: o}
	for _, s := range settings {
		a.options = append(a.options, "-o", s)
	}
	return a
}

// run runs apt-get and makes a Failure of its error.
func (a *apt) run(ctx context.Context, args ...string) error {
	t := &transcript{to: a.Output}
	err := start(ctx, t, "apt-get", slices.Concat([]string{"-q", "-y"}, a.options, args)...)
	var status *exec.ExitError
	if errors.As(err, &status) {
		return explainApt(args[0], t.lines(), a.CA)
	}
	return err
}

// ask runs apt-cache and returns what it prints.
func (a *apt) ask(ctx context.Context, args ...string) (string, error) {
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, lookUp("apt-cache"), slices.Concat(a.options, args)...)
	cmd.Env = environment()
	cmd.Stdout, cmd.Stderr = &out, a.Output
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("apt-cache %s: %w", args[0], err)
	}
	return out.String(), nil
}

func (a *apt) install(ctx context.Context, packages []string) error {
	cache := filepath.Join(a.Archives, "pkgcache.bin")
	remove := func() error {
		if err := os.Remove(cache); !errors.Is(err, os.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := remove(); err != nil {
		return err
	}
	defer remove() //nolint:errcheck // the next run removes it too
	if err := a.run(ctx, "update"); err != nil {
		return err
	}
	// apt-get takes a name that it does not know for a pattern or for the wish to remove something, so it never sees one.
	if err := a.check(ctx, packages); err != nil {
		return err
	}
	return a.run(ctx, slices.Concat([]string{"install", "--"}, packages)...)
}

// offer is what apt knows of a name.
type offer struct {
	candidate bool     // it is a package that can be installed
	versions  []string // newest first
}

// check finds the packages that cannot be installed as they are asked for.
func (a *apt) check(ctx context.Context, packages []string) error {
	var arch bytes.Buffer
	if err := start(ctx, &arch, "dpkg", "--print-architecture"); err != nil {
		return fmt.Errorf("dpkg does not say its architecture: %w", err)
	}
	native := strings.TrimSpace(arch.String())
	key := func(p string) string {
		name, arch, _ := splitPackage(p)
		if arch == "" || arch == native || arch == "native" || arch == "all" {
			return name
		}
		return name + ":" + arch
	}
	var keys []string
	for _, p := range packages {
		if k := key(p); !slices.Contains(keys, k) {
			keys = append(keys, k)
		}
	}
	text, err := a.ask(ctx, slices.Concat([]string{"policy", "--"}, keys)...)
	if err != nil {
		return err
	}
	offers := parsePolicy(text)
	failure := &Failure{}
	for _, p := range packages {
		name, arch, version := splitPackage(p)
		o, known := offers[key(p)]
		var providers []string
		if known && !o.candidate {
			if text, err = a.ask(ctx, "showpkg", "--", key(p)); err != nil {
				return err
			}
			providers = parseProviders(text)
		}
		switch {
		case o.candidate && version == "", o.candidate && slices.Contains(o.versions, version):
			continue
		case o.candidate:
			u := Unknown{Name: p, Reason: fmt.Sprintf("%q has no version %s", name, version)}
			for _, v := range o.versions[:min(len(o.versions), mostNear)] {
				u.Near = append(u.Near, strings.TrimSuffix(p, version)+v)
			}
			failure.Packages = append(failure.Packages, u)
		case len(providers) == 1 && version == "":
			continue // apt takes the only one
		case len(providers) > 0:
			failure.Packages = append(failure.Packages, Unknown{Name: p, Near: providers, Reason: fmt.Sprintf("%q is only a name that other packages provide", name)})
		case arch != "" && key(p) != name:
			failure.Packages = append(failure.Packages, Unknown{Name: p, Reason: fmt.Sprintf("%s has no package %q for the architecture %s", distribution(), name, arch)})
		default:
			failure.Packages = append(failure.Packages, Unknown{Name: p, Reason: fmt.Sprintf("%s has no package %q", distribution(), name)})
		}
	}
	if len(failure.Packages) == 0 {
		return nil
	}
	if text, err = a.ask(ctx, "pkgnames"); err != nil {
		return err
	}
	failure.suggest(strings.Fields(text))
	return failure
}

// parsePolicy reads what `apt-cache policy` prints: the name of each package that it knows, and indented below it the candidate and
// a table of versions.
func parsePolicy(text string) map[string]offer {
	offers := map[string]offer{}
	name, table := "", false
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		o := offers[name]
		candidate, isCandidate := strings.CutPrefix(line, "  Candidate: ")
		switch {
		case line != "" && line[0] != ' ':
			name, table = strings.TrimSuffix(line, ":"), false
			o = offers[name]
		case isCandidate:
			o.candidate = candidate != "(none)"
		case line == "  Version table:":
			table = true
		case table && len(line) > 5 && line[4] == ' ' && line[5] != ' ':
			if version := strings.Fields(line[5:])[0]; !slices.Contains(o.versions, version) {
				o.versions = append(o.versions, version)
			}
		}
		if name != "" {
			offers[name] = o
		}
	}
	return offers
}

// parseProviders reads the packages that provide a name from what `apt-cache showpkg` prints of it.
func parseProviders(text string) []string {
	_, list, _ := strings.Cut("\n"+text, "\nReverse Provides:")
	var names []string
	for line := range strings.Lines(list) {
		if fields := strings.Fields(line); len(fields) > 1 && !slices.Contains(names, fields[0]) {
			names = append(names, fields[0])
		}
	}
	slices.Sort(names)
	return names
}

// aptExplanations are in the order in which they count when several apply: what comes first causes what follows.
var aptExplanations = []explanation{
	{[]string{"No space left on device", "You don't have enough free space"}, "the disk of the builder is full",
		"free space on it, for example with `docker builder prune`"},
	{[]string{"Temporary failure resolving", "Could not resolve", "Something wicked happened resolving"}, "the name of the package archive's host cannot be resolved",
		"the builder needs a network and DNS, or a proxy: " + proxyFlags},
	{[]string{"Could not connect to", "Unable to connect to", "Connection timed out", "connection timed out", "Network is unreachable", "Connection refused", "Connection failed"},
		"the package archive cannot be reached", "the builder needs a network, or a proxy: " + proxyFlags},
	{[]string{"does not have a Release file", "is no longer available"}, "the package archive does not have this release of the distribution any more",
		"take a base that is made from a newer release"},
	{[]string{"is expired since", "is not valid yet"}, "the package archive's lists are too old or too new for the builder's clock", "check the clock of the builder, or take a base that is made from a newer release"},
	{[]string{"NO_PUBKEY", "is not signed", "signatures were invalid", "couldn't be verified", "Missing key"}, "the package archive is signed with a key that the image does not trust",
		"take a newer base, or one with the key in /etc/apt/keyrings"},
	{[]string{"404  Not Found", "Hash Sum mismatch", "unexpected size"}, "the package archive changed while it was read", "build again"},
	{[]string{"unmet dependencies", "held broken packages", "pkgProblem", "Unable to satisfy dependencies", "Unable to correct problems"}, "the packages cannot be installed together on this base", ""},
}

// explainApt makes a Failure of the output of `apt-get COMMAND`. The lines of the output that tell more are part of it: errors, the
// reasons that dpkg gives on the line after an error, and dependencies.
func explainApt(command string, lines []string, ca string) *Failure {
	if f := untrusted(lines, ca); f != nil {
		return f
	}
	f := explain(lines, aptExplanations)
	if f == nil {
		f = &Failure{Message: "apt-get " + command + " failed"}
	}
	var details []string
	unmet, reason := false, false
	for _, line := range lines {
		text := strings.TrimSpace(line)
		failed, isPackage := strings.CutPrefix(text, "dpkg: error processing ")
		switch {
		case strings.HasPrefix(text, "The following packages have unmet dependencies"):
			unmet, reason = true, false
			continue
		case strings.HasPrefix(line, " ") && (unmet || reason):
			details, reason = append(details, text), false
			continue
		case isPackage:
			if fields := strings.Fields(failed); len(fields) > 1 && f.Message == "apt-get "+command+" failed" {
				f.Message = fmt.Sprintf("the package %s could not be set up", nameOf(fields[1]))
			}
			unmet, reason = false, true
			continue
		case strings.HasPrefix(text, "E: ") && !strings.HasPrefix(text, "E: Sub-process") && !strings.HasPrefix(text, "E: Some index files") && !strings.Contains(text, "--solver"):
			details = append(details, strings.TrimPrefix(text, "E: "))
		}
		unmet, reason = false, false
	}
	return f.withDetails(details)
}

// nameOf is the name of the package in what dpkg calls it: "libpq5:amd64", or the path of its archive.
func nameOf(s string) string {
	name, _, _ := strings.Cut(filepath.Base(s), "_")
	name, _, _ = strings.Cut(name, ":")
	return name
}
