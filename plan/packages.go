package plan

import (
	"fmt"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/containerd/platforms"

	"github.com/org/pyfile/pyfile"
)

// The steps that change the base image itself.
const (
	accountStep      = "account"
	basePackagesStep = "base-packages"
	providersStep    = "providers"
)

// Caches of the programs that install packages of the distribution. They are named after the image, because one distribution's lists mean
// nothing to another.
const (
	archivesDir = "/run/pyfile/packages"
	listsDir    = "/run/pyfile/lists"
)

// installPackages adds the step that installs packages of the distribution in an image, and returns it: its tree is the image with them. The
// order in which the Pyfile lists them does not count.
func (s *stages) installPackages(id, stage, root string, target bool, list pyfile.List) string {
	names := slices.Compact(slices.Sorted(slices.Values(list.Values())))
	if len(names) == 0 {
		return root
	}
	platform := platforms.FormatAll(s.in.BuildPlatform)
	if target {
		platform = platforms.FormatAll(s.in.Platform)
	}
	e := reports(s.program(root, "distro", slices.Concat([]string{"install", "--archives", archivesDir, "--lists", listsDir}, names), s.packageCaches(stage, platform)...))
	e.Network = true
	trusts(e)
	return s.add(Step{ID: id, Stage: stage, Target: target, Name: "[" + stage + "] install " + firstOf(names), Origin: s.origin(list.Range), Words: list.Items, Exec: e})
}

// inBuilder tells whether a stage follows the builder image, and not the base.
func inBuilder(stage string) bool { return stage == DepBuilder || stage == AppBuilder }

// checkPackages refuses packages for a base that no program of its own can install any in.
func (s *stages) checkPackages() pyfile.Errors {
	if run := s.File.Apt.Run; len(run.Items) > 0 && s.in.Facts.Manager == "" && s.start == "" {
		return pyfile.Errors{{Range: run.Range, Msg: fmt.Sprintf("apt.run: base %s has no apt-get and no apk to install packages with", s.in.Base.Ref),
			Hint: "use a base that has one, or an image that has the packages already"}}
	}
	return nil
}

// packageCaches are the mounts that keep what was downloaded, for the next build.
func (s *stages) packageCaches(stage, platform string) []Mount {
	image := s.in.Base.Ref
	if s.start != "" { // the name of a stage says nothing of what replaces it
		image = path.Join(image, s.in.Facts.ID, s.in.Facts.Version)
	}
	if inBuilder(stage) {
		image = s.builderRef()
	}
	return []Mount{
		{Path: archivesDir, Cache: path.Join("pyfile/packages", image, platform)},
		{Path: listsDir, Cache: path.Join("pyfile/lists", image, platform)},
	}
}

// basePackages is the base with the packages that [apt] run names: the lowest layers of the image.
//
// The packages may add users of their own, so that the default user has to be there before. An image that replaces base has them.
func (s *stages) basePackages() string {
	root := s.base(s.Project, s.in.Base)
	if s.start != "" {
		return root
	}
	if actions := s.account(); len(s.File.Apt.Run.Items) > 0 && len(actions) > 0 {
		root = s.add(Step{ID: accountStep, Stage: Base, Target: true, Name: "[base] add the user", Origin: s.origin(s.File.User.Range), Files: &Files{On: root, Actions: actions}})
	}
	return s.installPackages(basePackagesStep, Base, root, true, s.File.Apt.Run)
}

// lowLayers are the layers of basePackages.
func (s *stages) lowLayers() []layer {
	var out []layer
	for _, l := range []layer{{accountStep, "user"}, {basePackagesStep, "packages " + firstOf(s.File.Apt.Run.Values())}} {
		if s.known[l.step] {
			out = append(out, l)
		}
	}
	return out
}

// builderPackages is the builder image with the packages that [apt] build names.
func (s *stages) builderPackages(target bool) string {
	id := "builder-packages"
	if s.foreign && target {
		id += ":target"
	}
	return s.installPackages(id, DepBuilder, s.builderImage(target), target, s.File.Apt.Build)
}

// ProvidersFile is where the result of a providers plan has the packages that have what is wanted: an object of lists.
const ProvidersFile = "providers.json"

// ProvidersPlan is the plan of a solve of its own that asks the distribution which of its packages have a header, a program or a library:
// "header:libpq-fe.h". It asks that of the base for the base stage and for the others that of the builder. It is nil when the base has no
// program that knows.
func (p *Project) ProvidersPlan(in Inputs, stage string, wants []string) (*Plan, error) {
	if !inBuilder(stage) && in.Facts.Manager == "" {
		return nil, nil
	}
	return p.aside(in, func(s *stages) (string, error) {
		root, target := s.base(p, in.Base), true
		if inBuilder(stage) {
			root, target = s.builderPackages(false), false
		}
		platform := in.BuildPlatform
		if target {
			platform = in.Platform
		}
		args := slices.Concat([]string{"providers", "--archives", archivesDir, "--lists", listsDir, "--out", outDir}, wants)
		e := s.program(root, "distro", args, append(s.packageCaches(stage, platforms.FormatAll(platform)), Mount{Path: outDir, Output: true})...)
		e.Network = true
		trusts(e)
		return s.add(Step{ID: providersStep, Stage: stage, Target: target, Name: "[internal] ask the distribution who has " + firstOf(wants), Origin: s.origin(s.File.Apt.Range), Exec: e}), nil
	})
}

// AddPackages is the hint to write packages into a list of the Pyfile, the key of which is "apt.run", "apt.build" or "steps.NAME.apt".
func (p *Project) AddPackages(key string, names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	dot := strings.LastIndexByte(key, '.')
	return fmt.Sprintf("add to [%s]: %s = [%s]", key[:dot], key[dot+1:], strings.Join(quoted, ", "))
}
