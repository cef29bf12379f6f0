package lock

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/python"
)

func FuzzPDM(f *testing.F) { fuzzLock(f, "pdm.lock") }

// FuzzPDMRequirement reads any text as a requirement of pdm.
func FuzzPDMRequirement(f *testing.F) {
	for text := range pdmRequirements {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parsePDMRequirement(text)
		if err != nil {
			return
		}
		if r.name != "" && r.name != python.NormalizeName(r.name) {
			t.Errorf("name %q", r.name)
		}
		if !slices.IsSorted(r.extras) {
			t.Errorf("extras %q", r.extras)
		}
		if r.path != "" && (r.name != "" || !r.direct) {
			t.Errorf("%+v has a path and more", r)
		}
	})
}

// pdmRequirements are requirements as pdm takes them, and what they name: the name with its extras, or the path, then what is special.
var pdmRequirements = map[string]string{
	"Django [Argon2, bcrypt] >=4,<5 ; python_version>'3'":             "django[argon2,bcrypt]",
	"a.b @ https://host.example/a-1.tar.gz ; sys_platform == 'linux'": "a-b direct",
	"a @ file:///${PROJECT_ROOT}/libs/a":                              "a direct",
	"a @ {root:uri}/libs/a":                                           "a direct",
	"a[x] @ git+https://git.example/a.git@main#subdirectory=b":        "a[x] direct",
	"git+https://git.example/Some_Name.git@main":                      "some-name direct",
	"git+ssh://git@git.example/team/x.git@v1#egg=Other[b,a]":          "other[a,b] direct",
	"-e git+https://git.example/x.git#egg=x ; os_name == 'posix'":     "x direct editable",
	"-e file:///${PROJECT_ROOT}/libs/mini#egg=mini":                   "mini direct editable",
	"-e ./libs/mini": "./libs/mini direct editable",
	"./libs/mini[x, y] ; python_version < '4'":           "./libs/mini direct",
	"file:///${PROJECT_ROOT}/libs/mini":                  "./libs/mini direct",
	"{root:uri}":                                         ". direct",
	"https://host.example/pkg_name-1.0-py3-none-any.whl": "pkg-name direct",
	"./wheels/pkg_name-1.0-py3-none-any.whl[x]":          "pkg-name[x] direct",
	"https://host.example/pkg-name-1.0.tar.gz#sha256=0":  "pkg-name direct",
	"https://host.example/archive/main":                  " direct",
	"git+https://git.example/x.git ; nothing here":       "not a requirement",
	"not a requirement":                                  "not a requirement",
	"":                                                   "not a requirement",
	"hg+https://hg.example/x":                            "x direct",
	"https://host.example/x-1.tar.gz ; python_version < '3' and os_name == 'x'": "x direct",
}

func TestPDMRequirementsNameWhatTheyNeed(t *testing.T) {
	for text, want := range pdmRequirements {
		r, err := parsePDMRequirement(text)
		got := requirementID(r.name, r.extras)
		if r.name == "" {
			got = r.path
		}
		if r.direct {
			got += " direct"
		}
		if r.editable {
			got += " editable"
		}
		if err != nil {
			got = "not a requirement"
		}
		if got != want {
			t.Errorf("%q: got %q (%v), want %q", text, got, err, want)
		}
	}
}

// TestPDMMemberTakesItsOwnClosure selects for a member of a workspace: what the member needs, and not what the whole workspace does.
func TestPDMMemberTakesItsOwnClosure(t *testing.T) {
	const lock = `
[metadata]
groups = ["default"]
strategy = ["inherit_metadata"]
lock_version = "4.5.1"
content_hash = "sha256:00"
[[package]]
name = "api"
version = "1"
path = "./libs/api"
editable = true
groups = ["default"]
dependencies = ["core", "idna"]
[[package]]
name = "core"
version = "1"
path = "./libs/core"
editable = true
groups = ["default"]
[[package]]
name = "worker"
version = "1"
path = "./libs/worker"
groups = ["default"]
[[package]]
name = "idna"
version = "3.7"
groups = ["default"]
files = [{file = "idna-3.7-py3-none-any.whl", hash = "sha256:HASH(idna)"}]
`
	l, err := Read([]string{"deploy/pdm.lock"}, map[string][]byte{"deploy/pdm.lock": expandHashes(lock)})
	if err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{
		"deploy/libs/api/pyproject.toml": "core deploy/libs/core, idna ",
		"deploy/pyproject.toml":          "core deploy/libs/core, idna , worker deploy/libs/worker",
	} {
		project, err := ParseProject(file, []byte("[project]\nname = \"api\"\ndependencies = [\"core\", \"idna\"]\n[tool.pdm.workspace]\nmembers = [\"libs/*\"]\n"))
		if err != nil {
			t.Fatal(err)
		}
		artifacts, err := l.Select(Request{Target: fuzzTarget, Project: project, Found: listedFiles(l.Query())})
		var got []string
		for _, a := range artifacts {
			got = append(got, a.Name+" "+a.Path)
		}
		if strings.Join(got, ", ") != want {
			t.Errorf("%s: got %q, want %q: %v", file, got, want, err)
		}
	}
}

func BenchmarkPDM300(b *testing.B)       { benchmarkPDM(b, 300, `["inherit_metadata"]`) }
func BenchmarkPDMWalk300(b *testing.B)   { benchmarkPDM(b, 300, `[]`) }
func BenchmarkPDM10000(b *testing.B)     { benchmarkPDM(b, 10_000, `["inherit_metadata"]`) }
func BenchmarkPDMWalk10000(b *testing.B) { benchmarkPDM(b, 10_000, `[]`) }

// benchmarkPDM reads a pdm.lock, asks what to ask an index, and selects: the whole way from bytes to artifacts.
func benchmarkPDM(b *testing.B, packages int, strategy string) {
	data := []byte(largePDMLock(packages, strategy))
	files := map[string][]byte{"pdm.lock": data}
	project, err := ParseProject("pyproject.toml", []byte("[project]\nname = \"app\"\ndependencies = [\"package-0\"]\n[tool.pdm.workspace]\n"))
	if err != nil {
		b.Fatal(err)
	}
	l, err := Read([]string{"pdm.lock"}, files)
	if err != nil {
		b.Fatal(err)
	}
	found := listedFiles(l.Query())
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		l, err := Read([]string{"pdm.lock"}, files)
		if err != nil {
			b.Fatal(err)
		}
		if n := len(l.Query()); n != packages {
			b.Fatalf("the query has %d packages, want %d", n, packages)
		}
		artifacts, err := l.Select(Request{Target: fuzzTarget, Project: project, Found: found})
		if err != nil {
			b.Fatal(err)
		}
		if len(artifacts) != packages {
			b.Fatalf("%d artifacts, want %d", len(artifacts), packages)
		}
	}
}

// largePDMLock writes a lock as pdm would, shaped like that of largeLock.
func largePDMLock(packages int, strategy string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[metadata]\ngroups = [\"default\"]\nstrategy = %s\nlock_version = \"4.5.1\"\n\n[[metadata.targets]]\nrequires_python = \">=3.10\"\n", strategy)
	for i := range packages {
		name := fmt.Sprintf("package-%d", i)
		fmt.Fprintf(&b, "\n[[package]]\nname = %q\nversion = \"1.%d.0\"\nrequires_python = \">=3.9\"\nsummary = \"Some package\"\ngroups = [\"default\"]\n", name, i)
		fmt.Fprintf(&b, "marker = \"python_version >= \\\"3.%d\\\"\"\ndependencies = [\n", i%10)
		fmt.Fprintf(&b, "    \"package-%d>=1; sys_platform == \\\"win32\\\"\",\n", (i+7)%packages)
		fmt.Fprintf(&b, "    \"package-%d; python_version < \\\"3.%d\\\"\",\n", (i+11)%packages, 10+i%3)
		if i+1 < packages {
			fmt.Fprintf(&b, "    \"package-%d<2,>=1.%d\",\n", i+1, i)
		}
		b.WriteString("]\nfiles = [\n")
		stem := strings.ReplaceAll(name, "-", "_") + fmt.Sprintf("-1.%d.0", i)
		for _, file := range append([]string{".tar.gz"}, largeTags(i)...) {
			if file != ".tar.gz" {
				file = "-" + file + ".whl"
			}
			file = stem + file
			fmt.Fprintf(&b, "    {file = %q, hash = \"sha256:%x\"},\n", file, sha256.Sum256([]byte(file)))
		}
		b.WriteString("]\n")
	}
	return b.String()
}
