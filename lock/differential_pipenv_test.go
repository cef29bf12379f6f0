//go:build differential

package lock

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// These tests lock projects with the real pipenv at test time. What it would install is what it prints as requirements, for which pip
// is asked.

const pipenvRelease = "2026.10.3"

func pipenvTools(t *testing.T) string {
	return pipVenv(t, "pipenv-"+pipenvRelease, "pip=="+pipRelease, "pipenv=="+pipenvRelease)
}

// pipenv runs pipenv in a directory. It resolves for the Python of its own virtual environment, so that it makes no other.
func pipenv(t *testing.T, bin, dir string, args ...string) (string, error) {
	t.Helper()
	cmd := exec.Command(filepath.Join(bin, "pipenv"), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "VIRTUAL_ENV="+filepath.Dir(bin), "PIPENV_NOSPIN=1", "PIPENV_YES=1", "PIPENV_VERBOSITY=-1", "CI=1", "PIP_SRC="+filepath.Join(filepath.Dir(dir), "src"))
	out, err := cmd.Output()
	if err, ok := err.(*exec.ExitError); ok {
		return string(out) + string(err.Stderr), err
	}
	return string(out), err
}

type pipenvProject struct {
	name       string
	files      map[string]string
	categories [][]string // of the Pipfile, each a question
}

// INDEX, WHEEL and SHA in a Pipfile stand for the index that pip is configured for, and a wheel there.
var pipenvProjects = []pipenvProject{
	{name: "categories", files: map[string]string{"Pipfile": `
[packages]
flask = "*"
Requests = {version = ">=2", extras = ["socks"]}
[dev-packages]
iniconfig = "*"
requests = "*"
[docs]
markdown = "~=3.5"
click = "*"
[requires]
python_version = "3.11"
`}, categories: [][]string{{"packages"}, {"packages", "dev-packages"}, {"packages", "docs"}, {"packages", "dev-packages", "docs"}}},
	{name: "markers and an sdist", files: map[string]string{"Pipfile": `
[packages]
tomli = {version = "==2.0.1", markers = "python_version < '3.11'"}
typing-extensions = {version = "==4.12.2", markers = "python_version >= '3.8' and sys_platform == 'linux'"}
idna = {version = "==3.7", os_name = "== 'posix'"}
docopt = "*"
six = {version = "==1.16.0", markers = "python_version not in '3.0, 3.1'"}
[dev-packages]
`}, categories: [][]string{{"packages"}}},
	{name: "a package for another platform only", files: map[string]string{"Pipfile": `
[packages]
idna = "==3.7"
colorama = {version = "*", markers = "sys_platform == 'win32'"}
`}, categories: [][]string{{"packages"}}},
	{name: "directories", files: map[string]string{"Pipfile": `
[packages]
lib = {path = "./lib", editable = true}
other = {path = "./other"}
attrs = "*"
`,
		"lib/pyproject.toml":   "[project]\nname = \"lib\"\nversion = \"1\"\ndependencies = [\"idna==3.7\"]\n[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n[tool.setuptools]\npy-modules = []\n",
		"other/pyproject.toml": "[project]\nname = \"other\"\nversion = \"2\"\n[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n[tool.setuptools]\npy-modules = []\n"},
		categories: [][]string{{"packages"}}},
	{name: "two sources", files: map[string]string{"Pipfile": `
[[source]]
name = "first"
url = "INDEX"
verify_ssl = true
[[source]]
name = "second"
url = "INDEX/"
verify_ssl = true
[packages]
idna = {version = "==3.7", index = "second"}
six = "*"
[requires]
python_full_version = "PYTHON"
`}, categories: [][]string{{"packages"}}},
	{name: "a wheel at an address", files: map[string]string{"Pipfile": `
[packages]
idna = {file = "WHEEL"}
`}, categories: [][]string{{"packages"}}},
}

// pipfileFor fills in what is known at test time.
func pipfileFor(t *testing.T, text string) string {
	t.Helper()
	address := strings.TrimSuffix(strings.TrimSpace(run(t, ".", "", "python3", "-c",
		`from pip._internal.commands import create_command; print(create_command("download").parse_args([])[0].index_url)`)), "/")
	if !strings.Contains(text, "[[source]]") {
		text = fmt.Sprintf("[[source]]\nname = \"main\"\nurl = %q\nverify_ssl = true\n", address) + text
	}
	text = strings.ReplaceAll(text, "INDEX", address)
	text = strings.ReplaceAll(text, "PYTHON", hostTarget(t).Python.String())
	if strings.Contains(text, "WHEEL") {
		_, wheel := addressesOf(t, "idna", "3.7")
		text = strings.ReplaceAll(text, "WHEEL", wheel.URL)
	}
	return text
}

// TestPipfilePicksWhatPipenvInstalls compares Select with a dry run of pip on what pipenv prints for each question.
func TestPipfilePicksWhatPipenvInstalls(t *testing.T) {
	bin := pipenvTools(t)
	host := hostTarget(t)
	for _, p := range pipenvProjects {
		t.Run(p.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "project")
			for name, text := range p.files {
				if name == "Pipfile" {
					text = pipfileFor(t, text)
				}
				write(t, filepath.Join(dir, name), text)
			}
			if out, err := pipenv(t, bin, dir, "lock"); err != nil {
				t.Fatalf("pipenv lock: %v\n%s", err, out)
			}
			l, err := readDir(t, dir, []string{"Pipfile.lock"})
			if err != nil {
				t.Fatal(err)
			}
			request := Request{Target: host}
			if query := l.Query(); len(query) > 0 {
				request.Found = lookup(t, query)
			}
			for _, categories := range p.categories {
				printed, err := pipenv(t, bin, dir, "requirements", "--hash", "--categories", strings.Join(categories, " "))
				if err != nil {
					t.Fatalf("pipenv requirements: %v\n%s", err, printed)
				}
				want, refusal := pipenvPicks(t, bin, dir, printed)
				request.Groups = strs(categories)
				got, err := l.Select(request)
				comparePicks(t, strings.Join(categories, "+"), got, err, want, refusal)
			}
		})
	}
}

// pipenvPicks asks pip for what pipenv prints. pip takes no directories beside hashes, so these are asked for alone.
func pipenvPicks(t *testing.T, bin, dir, printed string) (picks []pick, refusal string) {
	t.Helper()
	var hashed, plain []string
	for line := range strings.Lines(printed) {
		switch {
		case strings.HasPrefix(line, "-e "), strings.HasPrefix(line, "./"), strings.HasPrefix(line, "https://"):
			plain = append(plain, line)
		default:
			hashed = append(hashed, line)
		}
	}
	for name, lines := range map[string][]string{"hashed.txt": hashed, "plain.txt": plain} {
		if len(lines) == 0 {
			continue
		}
		write(t, filepath.Join(dir, name), strings.Join(lines, ""))
		some, refusal := pipPicks(t, bin, dir, "-r", name)
		if refusal != "" {
			return nil, refusal
		}
		picks = append(picks, some...)
	}
	slices.SortFunc(picks, func(a, b pick) int { return strings.Compare(a.Name, b.Name) })
	return picks, ""
}

// TestPipfileNamesCommitsAsPipenvDoes locks a repository. One of this machine is not what a build can fetch, and Select says so.
func TestPipfileNamesCommitsAsPipenvDoes(t *testing.T) {
	bin := pipenvTools(t)
	repository, dir := filepath.Join(t.TempDir(), "lib"), filepath.Join(t.TempDir(), "project")
	write(t, filepath.Join(repository, "py", "pyproject.toml"), "[project]\nname = \"from-git\"\nversion = \"1\"\n[build-system]\nrequires = [\"setuptools\"]\nbuild-backend = \"setuptools.build_meta\"\n[tool.setuptools]\npy-modules = []\n")
	run(t, repository, "", "git", "init", "--quiet", "--initial-branch", "main")
	run(t, repository, "", "git", "add", ".")
	run(t, repository, "", "git", "-c", "user.name=t", "-c", "user.email=t@index.example", "commit", "--quiet", "-m", "one")
	commit := strings.TrimSpace(run(t, repository, "", "git", "rev-parse", "HEAD"))
	write(t, filepath.Join(dir, "Pipfile"), pipfileFor(t, fmt.Sprintf("[packages]\nfrom-git = {git = \"file://%s\", ref = \"main\", subdirectory = \"py\"}\n", repository)))
	if out, err := pipenv(t, bin, dir, "lock"); err != nil {
		t.Fatalf("pipenv lock: %v\n%s", err, out)
	}
	l, err := readDir(t, dir, []string{"Pipfile.lock"})
	if err != nil {
		t.Fatal(err)
	}
	p := l.source.(*pipenvLock).sections[0].packages[0]
	if p.name != "from-git" || p.git == nil || p.git.commit != commit || p.git.subdir != "py" {
		t.Errorf("read %+v of %s, want the commit %s", p.git, p.name, commit)
	}
	if _, err := l.Select(Request{Target: hostTarget(t)}); err == nil || !strings.Contains(err.Error(), "must start with https://") {
		t.Errorf("Select says %v", err)
	}
}

// TestPipfileIsStaleWherePipenvSaysSo edits a Pipfile behind the back of its lock and asks pipenv and Select whether it still fits.
func TestPipfileIsStaleWherePipenvSaysSo(t *testing.T) {
	bin := pipenvTools(t)
	dir := filepath.Join(t.TempDir(), "project")
	text := pipfileFor(t, `
[packages]
Typing_Extensions = "*"
idna = "==3.7"
[dev-packages]
iniconfig = {version = "*"}
[docs]
six = ">=1.0"
[scripts]
serve = "flask run"
[requires]
python_version = "3.11"
`)
	file := filepath.Join(dir, "Pipfile")
	write(t, file, text)
	if out, err := pipenv(t, bin, dir, "lock"); err != nil {
		t.Fatalf("pipenv lock: %v\n%s", err, out)
	}
	for _, c := range []struct{ name, old, new, says string }{
		{"nothing", "", "", ""},
		{"spelling of a name", "Typing_Extensions", "typing-extensions", ""},
		{"comment", "[packages]", "# comment\n[packages]", ""},
		{"order", "idna = \"==3.7\"\n", "", "lock was made for \"idna\""},
		{"form of a table", "iniconfig = {version = \"*\"}", "[dev-packages.iniconfig]\nversion = '*'", ""},
		{"script", "flask run", "flask run --debug", ""},
		{"new script", "[scripts]", "[scripts]\nother = \"x\"", ""},
		{"pipenv's own settings", "[scripts]", "[pipenv]\nallow_prereleases = true\n[scripts]", ""},
		{"new package", "idna = \"==3.7\"", "idna = \"==3.7\"\nattrs = \"*\"", "[packages] asks for \"attrs\""},
		{"other version", "==3.7", "==3.6", "[packages] asks for idna \"==3.6\""},
		{"other specifier that fits", "==3.7", "~=3.7", "was changed since"},
		{"version as a table", "idna = \"==3.7\"", "idna = {version = \"==3.7\"}", "was changed since"},
		{"new development package", "[docs]", "attrs = \"*\"\n[docs]", "[dev-packages] asks for \"attrs\""},
		{"new category", "[scripts]", "[tests]\nattrs = \"*\"\n[scripts]", "[tests] asks for \"attrs\""},
		{"category", "six = \">=1.0\"", "six = \"<1.0\"", "[docs] asks for six"},
		{"python", "python_version = \"3.11\"", "python_version = \"3.12\"", "was changed since"},
		{"source", "verify_ssl = true", "verify_ssl = false", "was changed since"},
		{"letters outside ASCII", "idna = \"==3.7\"", "idna = {version = \"==3.7\", ref = \"é😀\\u007f\\\\ \\\"\"}", "was changed since"},
	} {
		t.Run(c.name, func(t *testing.T) {
			changed := strings.Replace(text, c.old, c.new, 1)
			if changed == text && c.old != "" {
				t.Fatal("the case changes nothing")
			}
			write(t, file, changed)
			_, verifyErr := pipenv(t, bin, dir, "verify")
			l, err := readDir(t, dir, []string{"Pipfile.lock"})
			if err != nil {
				t.Fatal(err)
			}
			_, err = l.Select(Request{Target: hostTarget(t), Found: listedFiles(l.Query())})
			stale := err != nil && strings.Contains(err.Error(), "Pipfile.lock is out of date")
			if stale != (verifyErr != nil) {
				t.Errorf("pipenv says %v, Select says %v", verifyErr, err)
			}
			if stale && !strings.Contains(err.Error(), c.says) || stale != (c.says != "") {
				t.Errorf("Select says %v, want %q", err, c.says)
			}
		})
	}
}

// TestHashesOfPipfilesAreThoseOfPipenv compares the hash of Pipfiles full of values with that of pipenv.
func TestHashesOfPipfilesAreThoseOfPipenv(t *testing.T) {
	bin := pipenvTools(t)
	const script = `
from pipenv.project import Project
print(Project(chdir=False).pipfile.calculate_hash())
`
	for name, text := range map[string]string{
		"empty":   "[[source]]\nname = \"a\"\nurl = \"https://index.example/simple\"\n",
		"values":  "[[source]]\nname = \"a\"\nurl = \"https://index.example/simple\"\nverify_ssl = true\n[packages]\nA_b = \"*\"\n\"c.d\" = {version = \"==1\", ref = 0x1F, git = 1_000, path = 1.5, file = 1e20, subdirectory = 1e-7, pip_args = [1, 2.0, \"x\", {y = false}], editable = true}\n",
		"strings": "[[source]]\nname = \"é\"\nurl = \"https://index.example/simple\"\n[packages]\na = '''\nmulti\nline'''\nb = \"tab\\t \\u00e9 \\U0001F600 \\b\\f\\u0001 \\u007f \\\" \\\\ /\"\n",
		"tables":  "[[source]]\nname = \"a\"\nurl = \"https://index.example/simple\"\n[packages.one]\nversion = \"1\"\n[dev-packages]\nX = \"*\"\n[docs]\nY_Z = {extras = [\"b\", \"a\"]}\n[pipenv]\nx = 1\n[scripts]\na = \"b\"\n",
		"two":     "[[source]]\nname = \"b\"\nurl = \"https://b.example/simple\"\n[[source]]\nname = \"a\"\nurl = \"https://index.example/simple\"\n[requires]\npython_version = \"3.11\"\n[packages]\na = \"*\"\nA = \"==1\"\n",
	} {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "Pipfile"), text)
		cmd := exec.Command(filepath.Join(bin, "python"), "-c", script)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
		doc, errs := parse("Pipfile", []byte(text))
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		got, ok := (&pipfile{document: doc}).hash(pipfileHash{categories: true, normalized: true})
		if want := strings.TrimSpace(string(out)); !ok || got != want {
			t.Errorf("%s: got %s, pipenv has %s", name, got, want)
		}
	}
}
