//go:build integration

package integration

import (
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// hashProject is a project whose requirements file has hashes but no addresses.
func hashProject(t *testing.T, s *indexServer, more string, wheels ...testWheel) (dir string) {
	t.Helper()
	dir = t.TempDir()
	write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\ncmd = [\"python\", \"main.py\"]\n[index.default]\nurl = \""+s.simple()+"\"\n"+more)
	lock := ""
	for _, w := range wheels {
		lock += w.pinned()
	}
	write(t, dir, "requirements.txt", lock)
	write(t, dir, "main.py", "import one, two\nprint(one.version, two.version)\n")
	return dir
}

func TestIndexIsAskedAgainOnlyWhenTheLockOrTheIndexesChange(t *testing.T) {
	one, newer, two := newWheel(t, "one", "1.0"), newWheel(t, "one", "1.1"), newWheel(t, "two", "2.0")
	s := newIndex(t, []testWheel{one, newer, two})
	dir, image := hashProject(t, s, "", one, two), registryHost+"/test/lookup:asked"
	d := freshDaemon(t, registryHost)
	pushes := func(what string, wantPages, wantFiles []string, args ...string) string {
		t.Helper()
		digest, log := d.push(t, dir, image, args...)
		if pages, files := s.take(); !slices.Equal(pages, wantPages) || !slices.Equal(files, wantFiles) {
			t.Errorf("%s: asked for the pages %v and the files %v, want %v and %v\n%s", what, pages, files, wantPages, wantFiles, log)
		}
		return digest
	}
	both := []string{"one", "two"}
	cache := registryHost + "/test/lookup-cache:"
	// What mode=max has exported once, the same daemon exports with mode=min too, so that comes first.
	pushes("first build", both, []string{one.filename(), two.filename()},
		"--export-cache", "type=registry,ref="+cache+"min,mode=min")
	pushes("export again", nil, nil, "--export-cache", "type=registry,ref="+cache+"max,mode=max")
	if got := run(t, image); got != "1.0 2.0\n" {
		t.Errorf("the image prints %q", got)
	}
	pushes("nothing changed", nil, nil)
	write(t, dir, "main.py", "import one, two\nprint('now', one.version, two.version)\n")
	pushes("code changed", nil, nil)
	replace(t, dir, "Pyfile", "[index", "[env]\nA = \"b\"\n[index")
	digest := pushes("Pyfile changed", nil, nil)

	patched := derivedBase(t, "patched", "RUN touch /patched")
	replace(t, dir, "Pyfile", "cmd =", "base = \""+patched+"\"\ncmd =")
	pushes("base patched", nil, nil)
	replace(t, dir, "Pyfile", "base = \""+patched+"\"\n", "")

	// An answer is no layer of the image, so that a cache of mode=min does not have it. It is asked for again, and no file is fetched.
	for mode, pages := range map[string][]string{"min": both, "max": nil} {
		d = freshDaemon(t, registryHost)
		if got := pushes("fresh runner with mode="+mode, pages, nil, "--import-cache", "type=registry,ref="+cache+mode); got != digest {
			t.Errorf("mode=%s: another image, %s instead of %s", mode, got, digest)
		}
	}
	write(t, dir, "requirements.txt", newer.pinned()+two.pinned())
	pushes("bumped", both, []string{newer.filename(), two.filename()})
	if got := run(t, image); got != "now 1.1 2.0\n" {
		t.Errorf("the image prints %q", got)
	}
}

func TestIndexInHTMLGivesTheSameImage(t *testing.T) {
	one, two := newWheel(t, "one", "1.0"), newWheel(t, "two", "2.0")
	var digests []string
	for _, html := range []bool{false, true} {
		s := newIndex(t, []testWheel{one, two}, func(s *indexServer) { s.html = html })
		digest, _ := labDaemon().push(t, hashProject(t, s, "", one, two), registryHost+"/test/lookup:html", "--no-cache")
		digests = append(digests, digest)
	}
	if digests[0] != digests[1] {
		t.Errorf("two images: %v", digests)
	}
}

func TestFileThatAnIndexGetsLaterIsFound(t *testing.T) {
	one, two := newWheel(t, "one", "1.0"), newWheel(t, "two", "2.0")
	s := newIndex(t, []testWheel{one})
	dir := hashProject(t, s, "", one, two)
	out, err := labDaemon().build(t, dir)
	if want := "requirements.txt:2: two 2.0: no index has a file with a hash of the lock; asked " + s.simple(); err == nil || !strings.Contains(out, want) {
		t.Errorf("no %q in\n%s", want, report(out))
	}
	s.mu.Lock()
	s.wheels = append(s.wheels, two)
	s.mu.Unlock()
	if out, err := labDaemon().build(t, dir); err != nil {
		t.Errorf("the index has all files now:\n%s", out)
	}
}

// TestPrivateIndexOverTLS builds from an index with a certificate of its own authority that wants a password.
func TestPrivateIndexOverTLS(t *testing.T) {
	one, two := newWheel(t, "one", "1.0"), newWheel(t, "two", "2.0")
	s := newIndex(t, []testWheel{one, two}, func(s *indexServer) {
		s.user, s.passwords, s.TLS = "robot", []string{canary, canary + "-2"}, &tls.Config{MinVersion: tls.VersionTLS12}
	})
	dir, image := hashProject(t, s, "username = \"robot\"\nsecret = \"company\"\n", one, two), registryHost+"/test/lookup:private"
	ca := filepath.Join(t.TempDir(), "ca.pem")
	write(t, filepath.Dir(ca), "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})))
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, filepath.Dir(secret), "secret", canary)
	trust, login := []string{"--secret", "id=ca-bundle,src=" + ca}, []string{"--secret", "id=company,src=" + secret}
	d := freshDaemon(t, registryHost)

	out, err := d.build(t, dir, login...)
	if err == nil || !strings.Contains(out, "ca-bundle") {
		t.Errorf("without the certificate the build says nothing of --secret id=ca-bundle:\n%s", report(out))
	}
	out, err = d.build(t, dir, trust...)
	if err == nil || !strings.Contains(out, "--secret id=company") {
		t.Errorf("without the secret the build does not name the flag:\n%s", report(out))
	}
	digest, log := d.push(t, dir, image, append(trust, login...)...)
	if got := run(t, image); got != "1.0 2.0\n" {
		t.Errorf("the image prints %q", got)
	}
	leaksNothing(t, image, log)
	s.take()
	write(t, filepath.Dir(secret), "secret", canary+"-2")
	again, _ := d.push(t, dir, image, append(trust, login...)...)
	if pages, files := s.take(); again != digest || len(pages)+len(files) > 0 {
		t.Errorf("another secret asks for %v and %v again, and gives %s instead of %s", pages, files, again, digest)
	}
}

// TestUnlockedProjectOfAPrivateIndex resolves from an index that wants a password, beside the default one, which has the build backend.
func TestUnlockedProjectOfAPrivateIndex(t *testing.T) {
	s := newIndex(t, []testWheel{newWheel(t, "one", "1.0", "two>=2"), newWheel(t, "two", "2.0")}, func(s *indexServer) { s.user, s.passwords = "robot", []string{canary} })
	dir, image := t.TempDir(), registryHost+"/test/lookup:private-unlocked"
	write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\ncmd = [\"python\", \"-m\", \"shop\"]\n[index.company]\nurl = \""+s.simple()+"\"\nusername = \"robot\"\nsecret = \"company\"\n")
	write(t, dir, "pyproject.toml", "[project]\nname = \"shop\"\nversion = \"1.0\"\ndependencies = [\"one\"]\n[build-system]\nrequires = [\"hatchling\"]\nbuild-backend = \"hatchling.build\"\n")
	write(t, dir, "src/shop/__init__.py", "")
	write(t, dir, "src/shop/__main__.py", "import one, two\nprint(one.version, two.version)\n")
	secret := filepath.Join(t.TempDir(), "secret")
	write(t, filepath.Dir(secret), "secret", canary)
	_, log := freshDaemon(t, registryHost).push(t, dir, image, "--secret", "id=company,src="+secret)
	if got := run(t, image); got != "1.0 2.0\n" {
		t.Errorf("the image prints %q", got)
	}
	leaksNothing(t, image, log)
	lock := must(t, dir, "docker", "buildx", "--builder", os.Getenv("PYFILE_LAB_BUILDER"), "build", "--call=pyfile.lock", "-f", "Pyfile", "--secret", "id=company,src="+secret, ".")
	if strings.Contains(lock, canary) || !strings.Contains(lock, "two-2.0-py3-none-any.whl") {
		t.Errorf("the lock:\n%s", lock)
	}
}

// TestMirrorOfTheImagesPipIsUsedWithoutAWord builds on a base whose pip is configured for another index, by a file and by the environment.
func TestMirrorOfTheImagesPipIsUsedWithoutAWord(t *testing.T) {
	one, two := newWheel(t, "one", "1.0"), newWheel(t, "two", "2.0")
	s := newIndex(t, []testWheel{one, two})
	for how, line := range map[string]string{
		"file": "RUN printf '[global]\\nindex-url = " + s.simple() + "\\n' > /etc/pip.conf", "env": "ENV PIP_INDEX_URL=" + s.simple(),
	} {
		t.Run(how, func(t *testing.T) {
			mirrored := derivedBase(t, "mirrored-"+how, line)
			dir := hashProject(t, s, "", one, two)
			write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\nbase = \""+mirrored+"\"\ncmd = [\"python\", \"main.py\"]\n")
			labDaemon().push(t, dir, registryHost+"/test/lookup:mirror", "--no-cache")
			if pages, _ := s.take(); !slices.Equal(pages, []string{"one", "two"}) {
				t.Errorf("asked the mirror for %v", pages)
			}
		})
	}
}

// derivedBase pushes an image made of the base by a line of a Dockerfile, and returns its name.
func derivedBase(t *testing.T, name, line string) string {
	t.Helper()
	dir, image := t.TempDir(), registryHost+"/test/"+name+":1"
	write(t, dir, "Dockerfile", "FROM python:3.13-slim\n"+line+"\n")
	must(t, dir, "buildctl", "--addr", labDaemon().addr, "build", "--frontend", "dockerfile.v0", "--local", "context=.", "--local", "dockerfile=.",
		"--output", "type=image,name="+image+",push=true")
	return image
}

func TestBuildWithoutALockWarnsAndCallPrintsTheLockToCommit(t *testing.T) {
	two := newWheel(t, "two", "2.0")
	s := newIndex(t, []testWheel{newWheel(t, "one", "1.0"), newWheel(t, "one", "1.1", "two>=2"), two})
	dir := hashProject(t, s, "")
	must(t, dir, "rm", "requirements.txt")
	replace(t, dir, "Pyfile", "[index.default]", "[index.test]") // uv comes from the default index
	write(t, dir, "pyproject.toml", "[project]\nname = \"shop\"\nversion = \"1.0\"\ndependencies = [\n    \"one>=1\",\n]\n")
	d, image := freshDaemon(t, registryHost), registryHost+"/test/lookup:unlocked"
	before, _ := d.push(t, dir, image)
	if got := run(t, image); got != "1.1 2.0\n" {
		t.Errorf("the image prints %q", got)
	}
	s.take()
	write(t, dir, "main.py", "import one, two\nprint('again', one.version, two.version)\n")
	d.push(t, dir, image)
	if pages, files := s.take(); len(pages)+len(files) > 0 {
		t.Errorf("changed code chooses versions again: %v %v", pages, files)
	}

	// buildctl shows no warnings; buildx does, and its check.
	buildx := func(args ...string) string {
		out, _ := command(t, dir, "docker", append([]string{"buildx", "--builder", os.Getenv("PYFILE_LAB_BUILDER"), "build", "-f", "Pyfile"}, append(args, ".")...)...)
		return out
	}
	const warning = "NotLocked: pyproject.toml:5: the dependencies are not locked, so that another day's build may get other versions"
	if out := buildx(); !strings.Contains(out, warning) {
		t.Errorf("no warning:\n%s", out)
	}
	if out := buildx("--call=check"); !strings.Contains(out, "WARNING: NotLocked") || !strings.Contains(out, "pyproject.toml:5: the dependencies") {
		t.Errorf("the check finds nothing:\n%s", out)
	}
	if out := buildx("--build-arg", "BUILDKIT_DOCKERFILE_CHECK=skip=NotLocked"); strings.Contains(out, warning) {
		t.Errorf("a skipped rule warns:\n%s", out)
	}
	if out := buildx("--build-arg", "BUILDKIT_DOCKERFILE_CHECK=error=true"); !strings.Contains(out, "may get other versions (rule NotLocked)") {
		t.Errorf("a warning that is to be an error is none:\n%s", out)
	}

	// As the documentation says: the shell has made an empty file before the build looks for one.
	out := must(t, dir, "sh", "-c", "docker buildx --builder "+os.Getenv("PYFILE_LAB_BUILDER")+" build --call=pyfile.lock -f Pyfile . > pylock.toml && cat pylock.toml")
	if !strings.Contains(out, "one-1.1-py3-none-any.whl") {
		t.Fatalf("the lock:\n%s", out)
	}
	write(t, dir, "main.py", "import one, two\nprint(one.version, two.version)\n")
	if out := buildx(); strings.Contains(out, "NotLocked") {
		t.Errorf("a locked project warns:\n%s", out)
	}
	if !strings.Contains(out, "\n[tool.pyfile]\nrequires = [\n    \"one>=1\",\n]\n") {
		t.Errorf("the lock does not say what it was made for:\n%s", out)
	}
	if after, log := d.push(t, dir, image); after != before {
		t.Errorf("with its lock the project gives %s, not %s:\n%s", after, before, log)
	}
	replace(t, dir, "pyproject.toml", "one>=1", "one>=1.1")
	if out, err := d.build(t, dir); err == nil || !strings.Contains(out, `pyproject.toml:5:5: pylock.toml is out of date: pyproject.toml asks for "one>=1.1"`) {
		t.Errorf("a changed project does not find its lock out of date:\n%s", report(out))
	}
}

func TestLockOfFiftyMegabytesIsReadAndALargerOneIsAnError(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\n")
	write(t, dir, "pyproject.toml", "[project]\nname = \"big\"\nversion = \"1.0\"\nrequires-python = \">=3.12\"\n")
	lock := func(size int) string {
		var b strings.Builder
		b.WriteString("version = 1\nrevision = 3\nrequires-python = \">=3.12\"\n\n[[package]]\nname = \"big\"\nversion = \"1.0\"\nsource = { virtual = \".\" }\n")
		for i := 0; b.Len() < size; i++ {
			fmt.Fprintf(&b, "\n[[package]]\nname = \"package-%d\"\nversion = \"1.0\"\nsource = { registry = \"https://index.example/simple\" }\nwheels = [\n", i)
			for minor := range 12 {
				fmt.Fprintf(&b, "    { url = \"https://files.example/package_%d-1.0-cp3%d-cp3%d-manylinux_2_17_x86_64.whl\", hash = \"sha256:%064d\", size = %d },\n", i, minor, minor, i, i)
			}
			b.WriteString("]\n")
		}
		return b.String()
	}
	write(t, dir, "uv.lock", lock(50_000_000))
	if out, err := labDaemon().build(t, dir); err != nil {
		t.Errorf("50 MB: %s", report(out))
	}
	write(t, dir, "uv.lock", lock(70_000_000))
	if out, err := labDaemon().build(t, dir); err == nil || !strings.Contains(out, "uv.lock:1: the file has 70 MB, and pyfile reads at most 67 MB of one") {
		t.Errorf("70 MB: %s", report(out))
	}
}

func TestSameProjectInUVAndPylockGivesOneDigest(t *testing.T) {
	a, b := example(t, "lock-uv"), example(t, "lock-pylock")
	x, _ := labDaemon().push(t, a, registryHost+"/test/lookup:uv")
	y, _ := labDaemon().push(t, b, registryHost+"/test/lookup:pylock", "--no-cache")
	if x != y {
		t.Errorf("two images: %s from uv.lock, %s from pylock.toml; layers of one only: %v", x, y,
			imageOf(t, registryHost+"/test/lookup:uv").missingFrom(imageOf(t, registryHost+"/test/lookup:pylock")))
	}
}
