//go:build integration

package integration

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// gitServer serves the bare repositories of a folder with git's own protocol and returns the start of their URLs.
func gitServer(t *testing.T, folder string) string {
	t.Helper()
	port := freePort(t)
	cmd := exec.Command("git", "daemon", "--listen=127.0.0.1", fmt.Sprintf("--port=%d", port), "--base-path="+folder, "--export-all")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // git starts the daemon as a child
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
		_ = cmd.Wait()
	})
	address := fmt.Sprintf("127.0.0.1:%d", port)
	for range 100 {
		if c, err := net.Dial("tcp", address); err == nil {
			c.Close()
			return "git://" + address + "/"
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatal("git daemon does not answer")
	return ""
}

// commitTime is that of every commit of the tests, in seconds since 1970.
const commitTime = 1_750_000_000

// commit makes a bare repository of a project's files, with one commit on main.
func commit(t *testing.T, dir, bare string) {
	t.Helper()
	work := t.TempDir()
	must(t, work, "git", "init", "-q", "-b", "main")
	must(t, work, "git", "--work-tree", dir, "add", "--all", "--force")
	date := strconv.Itoa(commitTime) + " +0000"
	must(t, work, "env", "GIT_AUTHOR_DATE="+date, "GIT_COMMITTER_DATE="+date, "git", "-c", "user.name=test", "-c", "user.email=test@example.com", "commit", "-q", "-m", "test")
	must(t, work, "git", "clone", "-q", "--bare", ".", bare)
}

// serveRepository serves the repository that examples/git-dependency and examples/private-git have in their locks, and makes the project in dir name
// this server in place of the address there.
func serveRepository(t *testing.T, dir, address string) {
	t.Helper()
	files, err := filepath.Abs("testdata/git-dependency")
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	bare := filepath.Join(folder, "tools.git")
	commit(t, files, bare)
	must(t, bare, "git", "tag", "v1.2.0", "main")
	made := strings.TrimSpace(must(t, bare, "git", "rev-parse", "v1.2.0"))
	lock, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(lock), "#"+made+"\"") {
		t.Fatalf("the lock of the example does not name %s, the commit of testdata/git-dependency", made)
	}
	server := gitServer(t, folder)
	for _, file := range []string{"pyproject.toml", "uv.lock"} {
		data, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		write(t, dir, file, strings.ReplaceAll(string(data), address, server))
	}
}

func TestGitContextGivesTheSameImageAsTheFolder(t *testing.T) {
	t.Parallel()
	folder, dir := t.TempDir(), t.TempDir()
	if err := os.CopyFS(filepath.Join(dir, "services", "hello"), os.DirFS("../examples/hello")); err != nil {
		t.Fatal(err)
	}
	commit(t, filepath.Join(dir, "services", "hello"), filepath.Join(folder, "hello.git"))
	commit(t, dir, filepath.Join(folder, "mono.git"))
	server := gitServer(t, folder)

	image := registryHost + "/test/git:"
	want, _ := labDaemon().push(t, filepath.Join(dir, "services", "hello"), image+"folder")
	for tag, url := range map[string]string{"root": "hello.git#main", "subfolder": "mono.git#main:services/hello", "default-branch": "hello.git"} {
		buildx(t, ".", image+tag, "-f", "Pyfile", "--provenance=false", server+url)
		if got := imageOf(t, image+tag); got.digest != want {
			t.Errorf("%s gives %s, the folder %s\n%s", url, got.digest, want, got.differences(imageOf(t, image+"folder")))
		}
	}
	must(t, ".", "docker", "build", "-f", "Pyfile", "-t", image+"engine", server+"hello.git#main")
	if diff := saved(t, image+"engine").differences(imageOf(t, image+"folder")); diff != "" {
		t.Errorf("the Docker Engine gives another image:\n%s", diff)
	}

	buildx(t, ".", image+"dated", "-f", "Pyfile", "--build-arg", "SOURCE_DATE_EPOCH=context", server+"hello.git#main")
	if got, want := imageOf(t, image+"dated").config.Created.Time, time.Unix(commitTime, 0); !got.Equal(want) {
		t.Errorf("with SOURCE_DATE_EPOCH=context the image is of %s, not of the commit's %s", got, want)
	}
}

// TestArchiveContextGivesTheSameImageAsTheFolder builds from an archive at an address, and from one of the standard input. Its files have other owners, modes and
// times than those of the folder.
func TestArchiveContextGivesTheSameImageAsTheFolder(t *testing.T) {
	t.Parallel()
	dir, folder := example(t, "lock-uv"), t.TempDir()
	write(t, dir, ".dockerignore", "private.txt\nexpect\n")
	write(t, dir, "private.txt", "private\n")
	write(t, dir, "src/versions/unique.py", fmt.Sprintf("FOLDER = %q\n", folder)) // so that nothing is in the cache
	must(t, dir, "tar", "--owner=1000", "--group=1000", "--mode=u=rwX,go=", "--mtime=@"+strconv.Itoa(commitTime), "-czf", filepath.Join(folder, "context.tar.gz"), ".")
	server := httptest.NewServer(http.FileServer(http.Dir(folder)))
	defer server.Close()
	address, image := server.URL+"/context.tar.gz", registryHost+"/test/archive:"

	buildx(t, ".", image+"address", "-f", "Pyfile", "--provenance=false", address)
	must(t, ".", "sh", "-c", `docker buildx build --builder "$1" --push -t "$2" -f Pyfile --provenance=false - <"$3"`, "sh", labBuilder, image+"input", filepath.Join(folder, "context.tar.gz"))
	want, _ := labDaemon().push(t, dir, image+"folder")
	for _, tag := range []string{"address", "input"} {
		if got := imageOf(t, image+tag); got.digest != want {
			t.Errorf("the archive (%s) gives %s, the folder %s\n%s", tag, got.digest, want, got.differences(imageOf(t, image+"folder")))
		}
	}
	buildx(t, ".", image+"dated", "-f", "Pyfile", "--build-arg", "SOURCE_DATE_EPOCH=context", address)
	if got := imageOf(t, image+"dated").config.Created.Time; got.IsZero() || got.Before(time.Unix(commitTime, 0)) {
		t.Errorf("with SOURCE_DATE_EPOCH=context the image is of %s", got)
	}

	versioned := example(t, "versioned")
	must(t, versioned, "tar", "--exclude=.git", "-czf", filepath.Join(folder, "versioned.tar.gz"), ".")
	log, err := command(t, ".", "docker", "buildx", "build", "--builder", labBuilder, "--progress", "plain", "-f", "Pyfile", server.URL+"/versioned.tar.gz")
	refusedAt(t, log, err, "the build context has no .git", "--build-arg PYFILE_PROJECT_VERSION=1.2.3")
}

// TestSourceIsTheContextLessWhatIsLeftOut builds each project from a folder and from git.
func TestSourceIsTheContextLessWhatIsLeftOut(t *testing.T) {
	t.Parallel()
	files := []string{
		"main.py", "app/__init__.py", "app/private.py", "app/data/table.csv", "docs/guide.md", "README.md", ".env",
		".venv/pyvenv.cfg", "app/.mypy_cache/x", "app/__pycache__/main.cpython-312.pyc",
	}
	all := files[:7]
	folder := t.TempDir()
	server := gitServer(t, folder)
	for name, test := range map[string]struct {
		app     string            // lines of the [app] table
		ignores map[string]string // by file name
		without []string          // of all
		with    []string
	}{
		"everything":      {},
		"ignore-file":     {ignores: map[string]string{".dockerignore": "*.md\n**/*.md\n.env\n"}, without: []string{"docs/guide.md", "README.md", ".env"}},
		"ignore-back":     {ignores: map[string]string{".dockerignore": "!.venv\n"}, with: []string{".venv/pyvenv.cfg"}},
		"own-ignore-file": {ignores: map[string]string{".dockerignore": "main.py\n", "Pyfile.dockerignore": "docs\n"}, without: []string{"docs/guide.md"}},
		"ignore-all-but":  {ignores: map[string]string{".dockerignore": "*\n!app\n"}, without: []string{"docs/guide.md", "README.md", ".env", "main.py"}},
		"exclude":         {app: `exclude = ["docs", "**/*.csv", ".env"]`, without: []string{"docs/guide.md", ".env", "app/data/table.csv"}},
		"include":         {app: `include = ["app", "*.py"]`, without: []string{"docs/guide.md", "README.md", ".env"}},
		"include-exclude": {app: "include = [\"app\"]\nexclude = [\"app/private.py\"]", without: []string{"docs/guide.md", "README.md", ".env", "main.py", "app/private.py"}},
		"include-ignored": {app: `include = ["app", "docs"]`, ignores: map[string]string{".dockerignore": "docs\n"}, without: []string{"docs/guide.md", "README.md", ".env", "main.py"}},
	} {
		dir := t.TempDir()
		write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\n\n[app]\ninstall = \"source\"\n"+test.app+"\n")
		for _, f := range files {
			write(t, dir, f, "# "+f+"\n")
		}
		for f, data := range test.ignores {
			write(t, dir, f, data)
		}
		want := append(slices.DeleteFunc(slices.Clone(all), func(f string) bool { return slices.Contains(test.without, f) }), test.with...)
		slices.Sort(want)

		image := registryHost + "/test/source:" + name
		labDaemon().push(t, dir, image)
		var got []string
		for _, f := range slices.Sorted(maps.Keys(layerFiles(t, image))) {
			if !strings.Contains(f, "__pycache__") {
				got = append(got, strings.TrimPrefix(f, "app/"))
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: the source is %v, not %v", name, got, want)
		}

		commit(t, dir, filepath.Join(folder, name+".git"))
		must(t, ".", "buildctl", "--addr", labDaemon().addr, "build", "--frontend", "dockerfile.v0", "--opt", "filename=Pyfile", "--opt", "context="+server+name+".git#main",
			"--output", "type=image,name="+image+"-git,push=true")
		if diff := imageOf(t, image+"-git").differences(imageOf(t, image)); diff != "" {
			t.Errorf("%s: from git (+) the image is another than from the folder (-):\n%s", name, diff)
		}
	}
}

func TestIgnoredLockStillDecidesTheDependencies(t *testing.T) {
	t.Parallel()
	dir, image := example(t, "fastapi"), registryHost+"/test/ignored:1"
	write(t, dir, "app/private.py", "SECRET = 1\n")
	write(t, dir, ".dockerignore", "uv.lock\nPyfile\n**/private.py\n")
	labDaemon().push(t, dir, image)
	const script = "import fastapi, app.main, importlib.util; print(importlib.util.find_spec('app.private'))"
	if got := run(t, image, "python", "-c", script); got != "None\n" {
		t.Errorf("app.private is %q", got)
	}
}
