//go:build differential

package index

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// These tests ask the index that pip is configured for and compare what is understood with pip and pypi-simple.
// They need Python 3.11 or newer. Run: go test -tags differential ./index

const (
	pipRelease        = "26.2.1"
	pypiSimpleRelease = "1.8.0"
)

// venv makes a virtual environment with some packages in the user's cache and returns its Python. An environment that an earlier run
// made is taken as it is.
func venv(t *testing.T, name string, packages ...string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "pyfile", name)
	python := filepath.Join(dir, "bin", "python")
	if _, err := os.Stat(filepath.Join(dir, "complete")); err == nil {
		return python
	}
	run(t, "", "python3", "-m", "venv", "--clear", dir)
	run(t, "", python, append([]string{"-m", "pip", "install", "--quiet"}, packages...)...)
	if err := os.WriteFile(filepath.Join(dir, "complete"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	return python
}

func run(t *testing.T, stdin, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// Projects with many files, with yanked files, eggs, installers, dots and capitals in their names, old hashes and odd metadata.
var projects = strings.Fields(`attrs babel boto3 botocore certifi cffi click cryptography django fastapi flask greenlet grpcio idna jinja2
	kiwisolver lxml markupsafe matplotlib mysqlclient numpy packaging pandas pillow pip protobuf psycopg2-binary pydantic pydantic-core
	pytz pyyaml requests scipy setuptools simplejson six sqlalchemy torch urllib3 uv zope-interface backports-zoneinfo ruamel-yaml`)

func TestPagesAreReadAsByPipAndPypiSimple(t *testing.T) {
	python := venv(t, "pypi-simple-"+pypiSimpleRelease, "pypi-simple=="+pypiSimpleRelease, "pip=="+pipRelease)
	s := pipStep(t, wants("none"))
	_, l := s.lookup(t)
	var pages []page
	var bodies [][]byte
	for _, project := range projects {
		for _, kind := range []string{jsonType, "text/html"} {
			p := page{Project: project, Type: kind, File: filepath.Join(t.TempDir(), "page")}
			err := l.client.get(t.Context(), l.sites.index.page(project), http.Header{"Accept": {kind}}, func(res *http.Response) error {
				body, err := io.ReadAll(res.Body)
				if got := res.Header.Get("Content-Type"); !strings.HasPrefix(got, kind) {
					return fmt.Errorf("the index answers with %s, not %s", got, kind)
				}
				p.URL = res.Request.URL.String()
				bodies = append(bodies, body)
				return err
			})
			if err != nil {
				t.Fatalf("%s: %v", project, err)
			}
			if err := os.WriteFile(p.File, bodies[len(bodies)-1], 0o600); err != nil {
				t.Fatal(err)
			}
			pages = append(pages, p)
		}
	}
	answers := referenceReads(t, python, pages)
	count := 0
	var written []page
	var before [][][]any
	for i, p := range pages {
		entries, err := parsePage(mustParse(t, p.URL), p.Type, bodies[i])
		files := filesOf(entries)
		if err != nil {
			t.Errorf("%s, %s: %v", p.Project, p.Type, err)
		}
		count += len(files)
		same(t, p.Project+", "+p.Type+", pypi-simple", files, answers[i].PypiSimple, false)
		same(t, p.Project+", "+p.Type+", pip", files, answers[i].Pip, true)
		if len(entries) > 1000 {
			continue // it takes its time
		}
		kind, body := writePage([]string{p.Type}, p.Project, entries)
		file := filepath.Join(t.TempDir(), "page")
		written, before = append(written, page{p.Project, p.URL, kind, file}), append(before, answers[i].Pip)
		if err := os.WriteFile(file, body, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if count < 20000 {
		t.Errorf("only %d files were compared", count)
	}
	// A page that is written again tells pip the same, with what it chooses by.
	for i, again := range referenceReads(t, python, written) {
		if !reflect.DeepEqual(again.Pip, before[i]) {
			t.Errorf("%s, %s: pip sees something else on the page that is written again", written[i].Project, written[i].Type)
		}
	}
	t.Logf("%d files of %d pages", count, len(pages))
}

// page is one that others read, too.
type page struct {
	Project string `json:"project"`
	URL     string `json:"url"`
	Type    string `json:"type"`
	File    string `json:"file"`
}

// reading is what pypi-simple and pip see on a page.
type reading struct {
	PypiSimple [][]any `json:"pypi_simple"`
	Pip        [][]any `json:"pip"`
}

func referenceReads(t *testing.T, python string, pages []page) (answers []reading) {
	t.Helper()
	in, err := json.Marshal(pages)
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs(filepath.Join("testdata", "reference.py"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(run(t, string(in), python, script)), &answers); err != nil {
		t.Fatal(err)
	}
	return answers
}

// same compares files with those of another parser.
func same(t *testing.T, what string, files []File, theirs [][]any, sizeless bool) {
	t.Helper()
	var got, want []File
	for _, f := range files {
		if sizeless {
			f.Size = 0
		}
		got = append(got, f)
	}
	for _, f := range theirs {
		want = append(want, File{Name: f[0].(string), URL: f[1].(string), SHA256: f[2].(string), RequiresPython: f[3].(string), Size: int64(f[4].(float64))})
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d files, they see %d", what, len(got), len(want))
		return
	}
	for i := range got {
		if got[i] != want[i] {
			t.Errorf("%s: file %d is\n %+v, they see\n %+v", what, i, got[i], want[i])
			return
		}
	}
}

// pipStep is a step with the settings of this machine's pip.
func pipStep(t *testing.T, q Query) *step {
	t.Helper()
	s := newStep(t, nil, Settings{}, q, nil)
	if err := os.RemoveAll(s.Settings); err != nil {
		t.Fatal(err)
	}
	if err := WriteSettings(t.Context(), SettingsOptions{Out: s.Settings, Interpreter: run(t, "", "python3", "-c", "import sys; print(sys.executable, end='')")}); err != nil {
		t.Fatal(err)
	}
	return s
}

// Every file of every project is found by its hash, and by HTML as by JSON.
func TestAnswersAreTheSameInJSONAndHTML(t *testing.T) {
	_, l := pipStep(t, wants("none")).lookup(t)
	var q Query
	for _, project := range projects {
		files, err := l.client.page(t.Context(), l.sites.index.page(project))
		if err != nil {
			t.Fatal(err)
		}
		p := Package{Name: project}
		for _, f := range files {
			p.Files = append(p.Files, File{SHA256: f.SHA256})
		}
		q.Packages = append(q.Packages, p)
	}
	answers := map[string]*Answer{}
	for _, kind := range []string{jsonType, "text/html"} {
		query, l := pipStep(t, q).lookup(t)
		l.client.accept = kind
		answer, err := l.run(t.Context(), query.Packages)
		if err != nil {
			t.Fatal(err)
		}
		answers[kind] = answer
	}
	count := 0
	for i, found := range answers[jsonType].Packages {
		count += len(found.Files)
		for j, f := range found.Files {
			if f.Size == 0 {
				t.Errorf("%s has no size", f.Name)
			}
			found.Files[j].Size = 0
		}
		if other := answers["text/html"].Packages[i]; !reflect.DeepEqual(found, other) {
			t.Errorf("%s: %d files in JSON and %d in HTML, or others", found.Name, len(found.Files), len(other.Files))
		}
		if want := len(slices.Compact(sums(q, found.Name))); len(found.Files) != want {
			t.Errorf("%s: %d files of %d", found.Name, len(found.Files), want)
		}
	}
	if count < 10000 {
		t.Errorf("only %d files were found", count)
	}
	t.Logf("%d files", count)
}

// sums are the hashes that a query wants of a package.
func sums(q Query, name string) []string {
	var list []string
	for _, p := range q.Packages {
		for _, f := range p.Files {
			if p.Name == name {
				list = append(list, f.SHA256)
			}
		}
	}
	slices.Sort(list)
	return list
}

// Fetch gives the bytes that pip download gives.
func TestFetchGivesWhatPipDownloads(t *testing.T) {
	dir := t.TempDir()
	run(t, "", "python3", "-m", "pip", "download", "--quiet", "--no-deps", "--dest", dir, "six==1.17.0", "idna==3.7", "markupsafe==2.1.5")
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 3 {
		t.Fatalf("%v, %v", entries, err)
	}
	var q Query
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		project, _, _ := strings.Cut(e.Name(), "-")
		q.Packages = append(q.Packages, Package{Name: project, Files: []File{{SHA256: sumOf(string(data))}}})
	}
	s := pipStep(t, q)
	if err := Fetch(t.Context(), FetchOptions(s.LookupOptions)); err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		theirs, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		ours, err := os.ReadFile(filepath.Join(s.Out, e.Name()))
		if err != nil || !bytes.Equal(ours, theirs) {
			t.Errorf("%s: %v", e.Name(), err)
		}
	}
}

// Several releases of pip, the oldest that official images of a Python still in use carry and the newest, tell the same settings.
func TestEveryPipTellsItsSettings(t *testing.T) {
	config := filepath.Join(t.TempDir(), "pip.conf")
	text := "[global]\nindex-url = https://index.example/simple\nextra-index-url =\n  https://a.example/simple\n  https://b.example/simple\ntimeout = 60\ntrusted-host = a.example\n[install]\nproxy = http://other.example:1\n[download]\nproxy = http://proxy.example:1\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	releases := []string{"21.3.1", "22.3.1", "23.0.1", "23.3.2", "24.0", "24.3.1", "25.3", pipRelease, "newest"}
	var pythons []string
	for _, release := range releases {
		if release == "newest" {
			pythons = append(pythons, venv(t, "pip-newest", "--upgrade", "pip"))
			continue
		}
		pythons = append(pythons, venv(t, "pip-"+release, "pip=="+release))
	}
	interpreter(t) // no variable of pip from here on
	bare := readSettings(t, pythons[0])
	if bare.Default == "" || bare.Default != bare.Builtin {
		t.Fatalf("%+v", bare)
	}
	for i, release := range releases {
		t.Setenv("PIP_CONFIG_FILE", os.DevNull)
		if got := readSettings(t, pythons[i]); !reflect.DeepEqual(got, bare) {
			t.Errorf("pip %s, without configuration:\n got %+v\nwant %+v", release, got, bare)
		}
		t.Setenv("PIP_CONFIG_FILE", config)
		want := *bare
		want.Default, want.Extra, want.Timeout = "https://index.example/simple", []string{"https://a.example/simple", "https://b.example/simple"}, 60
		want.Trusted, want.Proxy = []string{"a.example"}, "http://proxy.example:1"
		if got := readSettings(t, pythons[i]); !reflect.DeepEqual(got, &want) {
			t.Errorf("pip %s:\n got %+v\nwant %+v", release, got, &want)
		}
		printed := run(t, "", pythons[i], "-I", "-c", "import pip._internal.cli.cmdoptions as c, pip._internal.models.index as i; del c.general_group, i.PyPI\n"+settingsScript)
		outside, err := parsePip([]byte(printed))
		if err != nil {
			t.Fatal(err)
		}
		got, _, err := outside.settings()
		want.CA = ""
		if err != nil || !reflect.DeepEqual(got, &want) {
			t.Errorf("pip %s, by what it prints:\n got %+v, %v\nwant %+v", release, got, err, &want)
		}
	}
}
