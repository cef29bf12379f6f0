//go:build differential

package lock

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/python"
)

// These tests lock one project with every tool, with one package of each kind that has to be built, and compare the artifacts with what
// was put where.

// builtHere is what the tests serve and the artifacts that it must become.
type builtHere struct {
	server string
	commit string            // of the tag v1 of the repository
	digest map[string]string // by path
}

// Files of the project: archives and directories of the context.
const (
	archivePath = "vendor/from_archive-1.0.tar.gz"
	wheelPath   = "wheels/sniffio-1.3.1-py3-none-any.whl"
	// On the server, with one directory around the files, as forges make them. The project of the second is at the top, for tools that
	// find none below it.
	zipPath, topZipPath = "tree-main.zip", "tree-top.zip"
)

// flit is a pyproject.toml whose metadata are known without building anything, and which is quick to build.
func flit(name string) string {
	return fmt.Sprintf("[project]\nname = %q\nversion = \"1.0\"\ndescription = \"x\"\nrequires-python = \">=3.10\"\ndependencies = []\n"+
		"[build-system]\nrequires = [\"flit_core\"]\nbuild-backend = \"flit_core.buildapi\"\n", name)
}

// serveSources makes the repository, the archives and the project's own files.
func serveSources(t *testing.T, dir string) *builtHere {
	t.Helper()
	root, work := t.TempDir(), filepath.Join(t.TempDir(), "tools")
	write(t, filepath.Join(work, "python", "tools", "pyproject.toml"), flit("tools"))
	write(t, filepath.Join(work, "python", "tools", "tools.py"), "\"\"\"tools\"\"\"\n")
	git := func(args ...string) string {
		return strings.TrimSpace(run(t, work, "", "git", append([]string{"-c", "user.name=test", "-c", "user.email=test@host.example"}, args...)...))
	}
	git("init", "--quiet", "--initial-branch=main")
	git("add", ".")
	git("commit", "--quiet", "--message=one")
	git("tag", "--annotate", "--message=first", "v1")
	b := &builtHere{commit: git("rev-parse", "HEAD"), digest: map[string]string{}}
	run(t, work, "", "git", "clone", "--quiet", "--bare", work, filepath.Join(root, "tools.git"))

	archives := map[string][]byte{
		zipPath:    zipped(t, "tree-main/py"),
		topZipPath: zipped(t, "tree-main"),
	}
	for name, data := range archives {
		b.digest[name] = sumOf(data)
	}

	backend := filepath.Join(strings.TrimSpace(run(t, ".", "", "git", "--exec-path")), "git-http-backend")
	mux := http.NewServeMux()
	mux.Handle("/git/", http.StripPrefix("/git", &cgi.Handler{Path: backend, Root: "/git", Env: []string{"GIT_PROJECT_ROOT=" + root, "GIT_HTTP_EXPORT_ALL=1"}}))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/zip")
		_, _ = w.Write(archives[strings.TrimPrefix(r.URL.Path, "/")])
	})
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	b.server = server.URL
	for _, name := range []string{"no_proxy", "NO_PROXY"} {
		t.Setenv(name, strings.TrimPrefix(os.Getenv(name)+",127.0.0.1", ","))
	}

	tarball := flitSdist("from_archive-1.0", "from-archive")
	write(t, filepath.Join(dir, archivePath), tarball)
	b.digest[archivePath] = sumOf([]byte(tarball))
	for _, lib := range []string{"beside", "edited"} {
		write(t, filepath.Join(dir, "libs", lib, "pyproject.toml"), flit(lib))
		write(t, filepath.Join(dir, "libs", lib, lib+".py"), "\"\"\"x\"\"\"\n")
	}
	run(t, dir, "", "python3", "-m", "pip", "download", "--quiet", "--no-deps", "-d", "wheels", "sniffio==1.3.1")
	data, err := os.ReadFile(filepath.Join(dir, wheelPath))
	if err != nil {
		t.Fatal(err)
	}
	b.digest[wheelPath] = sumOf(data)
	return b
}

// zipped is an archive with a project in a directory.
func zipped(t *testing.T, dir string) []byte {
	t.Helper()
	var out bytes.Buffer
	files := zip.NewWriter(&out)
	for _, f := range [][2]string{{dir + "/pyproject.toml", flit("tree")}, {dir + "/tree.py", "\"\"\"tree\"\"\"\n"}} {
		w, err := files.Create(f[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// atTop changes what is wanted of the archive to the one with the project at the top.
func (b *builtHere) atTop(name string, o *origin) {
	if name == "tree" {
		o.url, o.sub, o.sha = b.server+"/"+topZipPath, "", b.digest[topZipPath]
	}
}

func sumOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// flitSdist is an sdist that flit could have made.
func flitSdist(stem, name string) string {
	module := strings.ReplaceAll(name, "-", "_")
	return tarGz(map[string]string{
		stem + "/pyproject.toml":    flit(name),
		stem + "/" + module + ".py": "\"\"\"x\"\"\"\n",
		stem + "/PKG-INFO":          fmt.Sprintf("Metadata-Version: 2.2\nName: %s\nVersion: 1.0\nRequires-Python: >=3.10\n", name),
	})
}

// origin is what an artifact must be.
type origin struct {
	kind                             Kind
	url, path, commit, ref, sub, sha string
}

// want is what every lock must give, unless a format says less.
func (b *builtHere) want(change func(name string, s *origin)) map[string]origin {
	out := map[string]origin{
		"docopt":       {kind: Sdist},
		"tools":        {kind: Git, url: b.server + "/git/tools.git", commit: b.commit, ref: "v1", sub: "python/tools"},
		"tree":         {kind: Archive, url: b.server + "/" + zipPath, sub: "py", sha: b.digest[zipPath]},
		"from-archive": {kind: Archive, path: archivePath, sha: b.digest[archivePath]},
		"sniffio":      {kind: Wheel, path: wheelPath, sha: b.digest[wheelPath]},
		"beside":       {kind: Directory, path: "libs/beside"},
		"edited":       {kind: Directory, path: "libs/edited"},
	}
	for name, s := range out {
		if change != nil {
			change(name, &s)
			out[name] = s
		}
		if s.kind == "" {
			delete(out, name)
		}
	}
	return out
}

// checkSources selects from a lock for all targets and compares.
func checkSources(t *testing.T, dir string, names []string, project *Project, want map[string]origin) {
	t.Helper()
	l, err := readDir(t, dir, names)
	if err != nil {
		t.Fatal(err)
	}
	if l.Loose != nil {
		t.Fatal("the lock is loose")
	}
	request := Request{Project: project}
	if query := l.Query(); len(query) > 0 {
		request.Found = lookup(t, query)
	}
	for _, request.Target = range []python.Target{hostTarget(t), {Python: mustVersion("3.13.5"), Machine: "aarch64", Libc: python.Libc{Name: "musl", Major: 1, Minor: 2}}} {
		got, err := l.Select(request)
		if err != nil {
			t.Fatalf("%s: %v", request.Target, err)
		}
		var names []string
		for _, a := range got {
			names = append(names, a.Name)
			w, ok := want[a.Name]
			if !ok {
				t.Errorf("%s was not expected", a.Name)
				continue
			}
			have := origin{a.Kind, a.URL, a.Path, a.Commit, a.Ref, a.Subdir, a.SHA256}
			if a.Name == "docopt" { // whose file is the index's
				if a.URL == "" || len(a.SHA256) != 64 || !strings.HasSuffix(a.Filename, ".tar.gz") || a.NoWheel == "" {
					t.Errorf("docopt: %+v", a)
				}
				have.url, have.sha = "", ""
			}
			if have != w {
				t.Errorf("%s for %s\n got %+v\nwant %+v", a.Name, request.Target, have, w)
			}
			if a.LFS || a.Lock == "" || a.Origin.IsZero() {
				t.Errorf("%s: %+v", a.Name, a)
			}
		}
		if len(names) != len(want) {
			t.Errorf("got %q, want %d packages", names, len(want))
		}
	}
}

func TestUVAndPylockSourcesAreWhatWasLocked(t *testing.T) {
	bin, dir := tools(t), t.TempDir()
	b := serveSources(t, dir)
	write(t, filepath.Join(dir, "pyproject.toml"), fmt.Sprintf(`
[project]
name = "shop"
version = "1"
requires-python = ">=3.10"
dependencies = ["docopt==0.6.2", "tools", "tree", "from-archive", "sniffio", "beside", "edited"]
[tool.uv.sources]
tools = {git = "%[1]s/git/tools.git", tag = "v1", subdirectory = "python/tools"}
tree = {url = "%[1]s/%[2]s", subdirectory = "py"}
from-archive = {path = "%[3]s"}
sniffio = {path = "%[4]s"}
beside = {path = "libs/beside"}
edited = {path = "libs/edited", editable = true}
[tool.uv]
build-constraint-dependencies = ["flit_core>=3.9,<5", "setuptools<90; python_version > '3'"]
`, b.server, zipPath, archivePath, wheelPath))
	uv := filepath.Join(bin, "uv")
	run(t, dir, "", uv, "lock", "--quiet")
	project := readProject(t, filepath.Join(dir, "pyproject.toml"))
	checkSources(t, dir, []string{"uv.lock"}, project, b.want(nil))

	l, err := readDir(t, dir, []string{"uv.lock"})
	if err != nil {
		t.Fatal(err)
	}
	constraints := l.BuildConstraints()
	if want := []string{"flit-core>=3.9,<5", "setuptools<90 ; python_full_version >= '3'"}; len(constraints) != 2 || constraints[0] != want[0] || !strings.HasPrefix(constraints[1], "setuptools<90") {
		t.Errorf("constraints %q, want such as %q", constraints, want)
	}
	if len(project.BuildConstraints) != len(constraints) {
		t.Errorf("the project has the constraints %v", project.BuildConstraints)
	}

	run(t, dir, "", uv, "export", "--quiet", "--frozen", "--no-emit-project", "--format", "pylock.toml", "-o", "pylock.toml")
	checkSources(t, dir, []string{"pylock.toml"}, project, b.want(nil))

	// Requirements files, as uv exports them. pip refuses what has no hash beside hashes; here a commit and a directory count as locked.
	run(t, dir, "", uv, "export", "--quiet", "--frozen", "--no-emit-project", "--format", "requirements.txt", "-o", "requirements.txt")
	checkSources(t, dir, []string{"requirements.txt"}, project, b.want(func(_ string, s *origin) { s.ref = "" }))
}

func TestRequirementsSourcesAreWhatWasCompiled(t *testing.T) {
	bin, dir := tools(t), t.TempDir()
	b := serveSources(t, dir)
	// pip-compile hashes nothing when there is a repository; uv does.
	write(t, filepath.Join(dir, "requirements.in"), fmt.Sprintf("docopt==0.6.2\ntools @ git+%[1]s/git/tools.git@v1#subdirectory=python/tools&egg=tools\n"+
		"tree @ %[1]s/%[2]s#subdirectory=py\n./%[3]s\n./%[4]s\n./libs/beside\n-e ./libs/edited\n", b.server, zipPath, archivePath, wheelPath))
	// A branch or a tag is for the resolver.
	loose, err := readDir(t, dir, []string{"requirements.in"})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(loose.Loose, []string{"requirements.in"}) {
		t.Errorf("a set with a tag is not loose: %q", loose.Loose)
	}
	run(t, dir, "", filepath.Join(bin, "uv"), "pip", "compile", "--quiet", "--generate-hashes", "requirements.in", "-o", "requirements.txt")
	checkSources(t, dir, []string{"requirements.txt"}, nil, b.want(func(_ string, s *origin) { s.ref = "" }))
}

func TestPoetrySourcesAreWhatWasLocked(t *testing.T) {
	dir := t.TempDir()
	b := serveSources(t, dir)
	poetryEnv(t)
	write(t, filepath.Join(dir, "pyproject.toml"), fmt.Sprintf(`
[tool.poetry]
name = "shop"
version = "1"
description = ""
authors = []
[tool.poetry.dependencies]
python = ">=3.10"
docopt = "0.6.2"
tools = {git = "%[1]s/git/tools.git", tag = "v1", subdirectory = "python/tools"}
tree = {url = "%[1]s/%[2]s"}
from-archive = {path = "%[3]s"}
sniffio = {path = "%[4]s"}
beside = {path = "libs/beside"}
edited = {path = "libs/edited", develop = true}
`, b.server, topZipPath, archivePath, wheelPath))
	for _, release := range []string{poetryRelease, "1.8.5"} {
		t.Run(release, func(t *testing.T) {
			_ = os.Remove(filepath.Join(dir, "poetry.lock"))
			poetryLocks(t, release, dir)
			checkSources(t, dir, []string{"poetry.lock"}, readProject(t, filepath.Join(dir, "pyproject.toml")), b.want(b.atTop))
		})
	}
}

func TestPDMSourcesAreWhatWasLocked(t *testing.T) {
	bin, dir := pdmTool(t), t.TempDir()
	b := serveSources(t, dir)
	write(t, filepath.Join(dir, "pyproject.toml"), fmt.Sprintf(`
[project]
name = "shop"
version = "1"
requires-python = ">=3.10"
dependencies = ["docopt==0.6.2", "tools @ git+%[1]s/git/tools.git@v1#subdirectory=python/tools", "tree @ %[1]s/%[2]s#subdirectory=py",
  "from-archive @ file:///${PROJECT_ROOT}/%[3]s", "sniffio @ file:///${PROJECT_ROOT}/%[4]s", "beside @ file:///${PROJECT_ROOT}/libs/beside"]
[tool.pdm.dev-dependencies]
edit = ["-e file:///${PROJECT_ROOT}/libs/edited#egg=edited"]
`, b.server, zipPath, archivePath, wheelPath))
	run(t, dir, "", filepath.Join(bin, "pdm"), "lock", "-G", ":all")
	checkSources(t, dir, []string{"pdm.lock"}, readProject(t, filepath.Join(dir, "pyproject.toml")), b.want(func(name string, s *origin) {
		if name == "edited" {
			s.kind = ""
		}
	}))
}

func TestPipenvSourcesAreWhatWasLocked(t *testing.T) {
	bin, dir := pipenvTools(t), filepath.Join(t.TempDir(), "project")
	b := serveSources(t, dir)
	write(t, filepath.Join(dir, "Pipfile"), pipfileFor(t, fmt.Sprintf(`
[packages]
docopt = "==0.6.2"
tools = {git = "%[1]s/git/tools.git", ref = "v1", subdirectory = "python/tools"}
tree = {file = "%[1]s/%[4]s#sha256=%[5]s"}
from-archive = {path = "./%[2]s"}
sniffio = {path = "./%[3]s"}
beside = {path = "./libs/beside"}
edited = {path = "./libs/edited", editable = true}
`, b.server, archivePath, wheelPath, topZipPath, b.digest[topZipPath])))
	if out, err := pipenv(t, bin, dir, "lock"); err != nil {
		t.Fatalf("pipenv lock: %v\n%s", err, out)
	}
	checkSources(t, dir, []string{"Pipfile.lock"}, nil, b.want(func(name string, s *origin) {
		s.ref = ""
		if s.path != "" {
			s.sha = "" // pipenv hashes what an index has of the name
		}
		b.atTop(name, s)
	}))
}
