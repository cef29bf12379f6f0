//go:build differential

package lock

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFromSourceIsTheSdistOfEveryLock locks a release that has both and asks for the sdist by another spelling of its name.
func TestFromSourceIsTheSdistOfEveryLock(t *testing.T) {
	sdist, wheel := addressesOf(t, "sniffio", "1.3.1")
	pyproject := "[project]\nname = \"shop\"\nversion = \"1\"\nrequires-python = \">=3.10\"\ndependencies = [\"sniffio==1.3.1\"]\n"
	check := func(t *testing.T, dir, name string, project *Project) {
		t.Helper()
		l, err := readDir(t, dir, []string{name})
		if err != nil {
			t.Fatal(err)
		}
		request := Request{Target: hostTarget(t), Project: project}
		if query := l.Query(); len(query) > 0 {
			request.Found = lookup(t, query)
		}
		for want, asked := range map[string][]string{wheel.SHA256: nil, sdist.SHA256: {"SniffIO"}} {
			request.FromSource = strs(asked)
			got, err := l.Select(request)
			if err != nil || len(got) != 1 || got[0].SHA256 != want {
				t.Errorf("%s, from-source %q: %+v, %v", name, asked, got, err)
			}
		}
	}
	t.Run("uv", func(t *testing.T) {
		bin, dir := tools(t), t.TempDir()
		write(t, filepath.Join(dir, "pyproject.toml"), pyproject)
		run(t, dir, "", filepath.Join(bin, "uv"), "lock", "--quiet")
		run(t, dir, "", filepath.Join(bin, "uv"), "export", "--quiet", "--frozen", "--format", "pylock.toml", "-o", "pylock.toml")
		run(t, dir, "", filepath.Join(bin, "uv"), "export", "--quiet", "--frozen", "--no-emit-project", "-o", "requirements.txt")
		for _, name := range []string{"uv.lock", "pylock.toml", "requirements.txt"} {
			check(t, dir, name, readProject(t, filepath.Join(dir, "pyproject.toml")))
		}
	})
	t.Run("poetry", func(t *testing.T) {
		dir := t.TempDir()
		poetryEnv(t)
		write(t, filepath.Join(dir, "pyproject.toml"), pyproject)
		poetryLocks(t, poetryRelease, dir)
		check(t, dir, "poetry.lock", readProject(t, filepath.Join(dir, "pyproject.toml")))
	})
	t.Run("pdm", func(t *testing.T) {
		bin, dir := pdmTool(t), t.TempDir()
		write(t, filepath.Join(dir, "pyproject.toml"), pyproject)
		run(t, dir, "", filepath.Join(bin, "pdm"), "lock")
		check(t, dir, "pdm.lock", readProject(t, filepath.Join(dir, "pyproject.toml")))
	})
	t.Run("pipenv", func(t *testing.T) {
		bin, dir := pipenvTools(t), filepath.Join(t.TempDir(), "project")
		write(t, filepath.Join(dir, "Pipfile"), pipfileFor(t, "[packages]\nsniffio = \"==1.3.1\"\n"))
		if out, err := pipenv(t, bin, dir, "lock"); err != nil {
			t.Fatalf("pipenv lock: %v\n%s", err, out)
		}
		check(t, dir, "Pipfile.lock", nil)
	})
}

// TestUVSettingsForFormatsAreThoseOfUV asks uv which file of a package it would install under settings of [tool.uv].
func TestUVSettingsForFormatsAreThoseOfUV(t *testing.T) {
	bin := tools(t)
	uv := filepath.Join(bin, "uv")
	for _, settings := range []string{
		"", "no-binary = true", "no-binary-package = [\"Sniffio\"]", "no-build = true", "no-build-package = [\"sniffio\"]", "no-binary = true\nno-build-package = [\"sniffio\"]",
		"no-build = true\nno-binary-package = [\"sniffio\"]", "no-binary-package = [\"idna\"]", "no-binary = false\nno-build = false",
	} {
		t.Run(settings, func(t *testing.T) {
			dir := t.TempDir()
			write(t, filepath.Join(dir, "pyproject.toml"), "[project]\nname = \"shop\"\nversion = \"1\"\nrequires-python = \">=3.10\"\ndependencies = [\"sniffio==1.3.1\"]\n")
			run(t, dir, "", uv, "lock", "--quiet")
			write(t, filepath.Join(dir, "pyproject.toml"), "[project]\nname = \"shop\"\nversion = \"1\"\nrequires-python = \">=3.10\"\ndependencies = [\"sniffio==1.3.1\"]\n[tool.uv]\n"+settings+"\n")
			l, err := readDir(t, dir, []string{"uv.lock"})
			if err != nil {
				t.Fatal(err)
			}
			got, err := l.Select(Request{Target: hostTarget(t), Project: readProject(t, filepath.Join(dir, "pyproject.toml"))})
			if err != nil {
				t.Fatal(err)
			}
			// A log of what uv does tells a build from an unpacked wheel. The cache is new, so that nothing is taken from there.
			log := loudly(t, dir, uv, "sync", "--frozen", "--no-install-project", "--verbose", "--cache-dir", filepath.Join(dir, "cache"))
			built := regexp.MustCompile(`Building: sniffio|Calling .*build_wheel|Building .*sniffio`).MatchString(log)
			if built != (got[0].Kind == Sdist) {
				t.Errorf("uv builds: %v, Select picks %+v\n%s", built, got[0], log)
			}
		})
	}
}

// loudly runs a command and returns what it writes to both streams.
func loudly(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}
