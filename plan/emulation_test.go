package plan

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/python"
)

// foreignInputs are for arm64, on a builder that runs what it is itself.
func foreignInputs() Inputs {
	in := inputs("linux/arm64")
	in.Sources = sourcesInputs().Sources
	in.Runs = []ocispecs.Platform{platforms.MustParse("linux/amd64"), platforms.MustParse("linux/386")}
	return in
}

func problemsOf(err error) (errs pyfile.Errors) {
	errors.As(err, &errs)
	return errs
}

func TestWhatNeedsEmulationIsRefusedByNameAtItsLine(t *testing.T) {
	const lacks = "programs of linux/arm64 must run, and that is none of the builder's platforms"
	compiling := sourcesProject("[apt]\nbuild = [\"libpq-dev\"]\n")
	compiling["setup.py"] = "from setuptools import Extension, setup\nsetup(ext_modules=[Extension(\"shop\", [\"shop.c\"])])\n"
	compiling["pyproject.toml"] += "[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n"
	for _, test := range []struct {
		name, target string
		files        map[string]string
		want         []string
	}{
		{"wheels", "", withCommands(t, ""), nil},
		{"packages of the image", "", withCommands(t, "[apt]\nrun = [\"libpq5\"]\n"), []string{"3:1: to install libpq5, " + lacks}},
		{"a step", "", withCommands(t, "[steps.a]\nrun = [\"make\", \"all\"]\n"), []string{"3:1: to run step a: make all, " + lacks}},
		{"packages of a step", "", withCommands(t, "[steps.a]\nrun = [\"make\"]\napt = [\"make\"]\n"), []string{"3:1: to run step a: make, " + lacks, "4:1: to install make, " + lacks}},
		{"tests", Test, withCommands(t, "[test]\nrun = [\"pytest\"]\n"), []string{"3:1: to run pytest, " + lacks}},
		{"tests that another target does not run", "", withCommands(t, "[test]\nrun = [\"pytest\"]\n"), nil},
		{"a source of the lock", "", sourcesProject(""), []string{"1:10: to build the wheel of native 2.1, " + lacks}},
		{"packages that building needs", "", compiling, []string{"3:1: to build the wheel of native 2.1, " + lacks, "3:1: to build the wheel of shop, " + lacks, "3:1: to install libpq-dev, " + lacks}},
		{"a builder image", DepBuilder, sourcesProject(""), []string{"1:10: to build the wheel of native 2.1, " + lacks, "1:10: to build the wheel of tools 0.3, " + lacks, "1:10: to build the wheel of words 1.0.9, " + lacks}},
	} {
		in := foreignInputs()
		_, err := project(t, test.target, test.files).New(in)
		var got []string
		for _, e := range problemsOf(err) {
			got = append(got, fmt.Sprintf("%d:%d: %s", e.Range.Start.Line, e.Range.Start.Col, e.Msg))
			if want := "add a node of that platform (docker buildx create --append), or emulation (docker run --privileged --rm tonistiigi/binfmt --install arm64)"; e.Hint != want {
				t.Errorf("%s: the hint is %q", test.name, e.Hint)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got\n%s\nwant\n%s", test.name, strings.Join(got, "\n"), strings.Join(test.want, "\n"))
		}
		in.Runs = append(in.Runs, platforms.MustParse("linux/arm64"))
		if _, err := project(t, test.target, test.files).New(in); err != nil {
			t.Errorf("%s, with emulation: %v", test.name, err)
		}
		in.Runs = nil // an old daemon does not say
		if _, err := project(t, test.target, test.files).New(in); err != nil {
			t.Errorf("%s, with a builder that tells no platforms: %v", test.name, err)
		}
	}
}

func TestWheelsForAnotherPlatformArePackedOnTheBuildersOwn(t *testing.T) {
	files := sourcesProject("")
	files["pyproject.toml"] += "[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n"
	in := foreignInputs()
	in.Runs = append(in.Runs, platforms.MustParse("linux/arm64"))
	p := project(t, "", files)
	packed, err := p.Packed(in)
	if err != nil {
		t.Fatal(err)
	}
	results := map[string]string{}
	for _, w := range packed {
		results[w.Source] = w.Plan.Result
	}
	if want := map[string]string{"": "build-app", "tools": "build:tools", "words": "build:words"}; !maps.Equal(results, want) {
		t.Errorf("packed are %v, not %v", results, want)
	}
	in.Packed = map[string]string{"": "shop-1.0-py3-none-any.whl", "tools": "tools-0.3-py3-none-any.whl", "words": "words-1.0.9-py3-none-any.whl"}
	plan, err := p.New(in)
	if err != nil {
		t.Fatal(err)
	}
	for id, target := range map[string]bool{"build-app": false, "build:words": false, "build:tools": false, "build:native": true} {
		if s := plan.step(t, id); s.Target != target {
			t.Errorf("%s is of the target platform: %t", id, s.Target)
		}
	}
	in.Platform = in.BuildPlatform
	if packed, err = p.Packed(in); err != nil || len(packed) > 0 {
		t.Errorf("for the builder's own platform %v are looked at: %v", packed, err)
	}
}

func TestAWheelOfOnePlatformIsBuiltAgainOnTheTarget(t *testing.T) {
	files := sourcesProject("")
	files["pyproject.toml"] += "[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n"
	in := foreignInputs()
	delete(in.Sources, "native")
	files["uv.lock"] = strings.Replace(files["uv.lock"], "    { name = \"native\" },\n", "", 1)
	files["pyproject.toml"] = strings.Replace(files["pyproject.toml"], " \"native\",", "", 1)
	in.Packed = map[string]string{"": "shop-1.0-cp313-cp313-linux_x86_64.whl", "words": "words-1.0.9-py3-none-any.whl"}
	p := project(t, "", files)
	_, err := p.New(in)
	const want = "to build the wheel of shop, programs of linux/arm64 must run (shop-1.0-cp313-cp313-linux_x86_64.whl, which was built for linux/amd64, is of that platform alone), and that is none of the builder's platforms"
	if errs := problemsOf(err); len(errs) != 1 || errs[0].Msg != want {
		t.Errorf("got %v", err)
	}
	in.Runs = append(in.Runs, platforms.MustParse("linux/arm64"))
	plan, err := p.New(in)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"build-app", "build-env-app", "requires-app", "build-env-more-app"} {
		if s := plan.step(t, id); !s.Target || s.Exec.Root != "builder-image" {
			t.Errorf("%s runs in %s, of the target platform: %t", id, s.Exec.Root, s.Target)
		}
	}
	if s := plan.step(t, "build:words"); s.Target {
		t.Error("the other one too")
	}
	if s := plan.step(t, "builder-image"); !s.Target {
		t.Error("the builder is of the builder's platform")
	}
}

func TestWheelsAreThoseOfThePlatformAndItsLibrary(t *testing.T) {
	p := project(t, "", exampleFiles(t, "../examples/multi-platform"))
	for platform, machine := range map[string]string{"linux/amd64": "x86_64", "linux/arm64": "aarch64"} {
		for _, libc := range []python.Libc{{Name: "glibc", Major: 2, Minor: 41}, {Name: "musl", Major: 1, Minor: 2}} {
			in := inputs(platform)
			in.Facts.Libc = libc
			plan, err := p.New(in)
			if err != nil {
				t.Fatal(err)
			}
			tag := map[string]string{"glibc": "manylinux", "musl": "musllinux"}[libc.Name]
			compiled := 0
			for _, s := range plan.Steps {
				if s.Fetch == nil || strings.HasSuffix(s.Fetch.Filename, "-none-any.whl") {
					continue
				}
				if compiled++; !strings.Contains(s.Fetch.Filename, tag) || !strings.HasSuffix(s.Fetch.Filename, machine+".whl") {
					t.Errorf("%s with %s takes %s", platform, libc.Name, s.Fetch.Filename)
				}
			}
			if compiled != 3 {
				t.Errorf("%s with %s: %d wheels are compiled", platform, libc.Name, compiled)
			}
		}
	}
}
