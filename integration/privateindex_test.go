//go:build integration

package integration

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"hash/crc32"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// pythonTool installs packages into a virtual environment of the user's cache, once, and returns the directory of its programs.
func pythonTool(t *testing.T, name string, packages ...string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "pyfile", name)
	if _, err := os.Stat(filepath.Join(dir, "complete")); err != nil {
		must(t, ".", "python3", "-m", "venv", "--clear", dir)
		must(t, ".", filepath.Join(dir, "bin", "pip"), append([]string{"install", "--quiet", "--disable-pip-version-check"}, packages...)...)
		write(t, dir, "complete", "")
	}
	return filepath.Join(dir, "bin")
}

// pypiserver is a real package index on loopback.
type pypiserver struct {
	address  string // of the simple API, with a slash at the end
	programs string // directory of its programs
	dir      string // of its packages
	log      string // file
	logged   int    // bytes of it that were taken
}

// newPypiserver serves the packages in dir. With options it may want a password, or send who asks for others elsewhere.
func newPypiserver(t *testing.T, dir string, options ...string) *pypiserver {
	t.Helper()
	port := freePort(t)
	s := &pypiserver{address: fmt.Sprintf("http://127.0.0.1:%d/simple/", port), programs: pythonTool(t, "pypiserver-2.4.2", "pypiserver==2.4.2", "passlib==1.7.4"), dir: dir, log: filepath.Join(t.TempDir(), "log")}
	log, err := os.Create(s.log)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := exec.Command(filepath.Join(s.programs, "pypi-server"), append([]string{"run", "-v", "--interface", "127.0.0.1", "--port", fmt.Sprint(port), "--server", "wsgiref", "--backend", "simple-dir"}, append(options, dir)...)...)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for range 200 {
		if c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			c.Close()
			return s
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("pypiserver does not answer; see %s", s.log)
	return nil
}

// take returns what it logged since the last take.
func (s *pypiserver) take(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile(s.log)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data[s.logged:])
	s.logged = len(data)
	return text
}

// stored is a zip archive whose bytes depend on nothing but the entries.
func stored(t *testing.T, entries ...entry) []byte {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, e := range entries {
		size := uint64(len(e.data))
		w, err := z.CreateRaw(&zip.FileHeader{Name: e.name, Method: zip.Store, CRC32: crc32.ChecksumIEEE([]byte(e.data)), CompressedSize64: size, UncompressedSize64: size})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(e.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// putWheel puts the wheel of a module into the directory of an index.
func putWheel(t *testing.T, dir, module, version, source string) {
	t.Helper()
	info := module + "-" + version + ".dist-info/"
	entries := []entry{
		{module + ".py", source},
		{info + "METADATA", "Metadata-Version: 2.1\nName: " + strings.ReplaceAll(module, "_", "-") + "\nVersion: " + version + "\n"},
		{info + "WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
	}
	entries = append(entries, entry{info + "RECORD", recordOf(entries) + info + "RECORD,,\n"})
	write(t, dir, module+"-"+version+"-py3-none-any.whl", string(stored(t, entries...)))
}

// putSdist puts the source distribution of a directory into that of an index.
func putSdist(t *testing.T, dir, source string, files ...string) {
	t.Helper()
	var out bytes.Buffer
	z, err := gzip.NewWriterLevel(&out, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	for _, file := range files {
		data, err := os.ReadFile(filepath.Join(source, file))
		if err != nil {
			t.Fatal(err)
		}
		if err := w.WriteHeader(&tar.Header{Name: filepath.Base(source) + "/" + file, Size: int64(len(data)), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	write(t, dir, filepath.Base(source)+".tar.gz", out.String())
}

// secretsOf are the options that give a build the secrets of a project: the files in the directory beside it.
func secretsOf(dir string) []string {
	files, _ := filepath.Glob(filepath.Join(dir+".secrets", "*")) // the pattern is good
	var options []string
	for _, f := range files {
		options = append(options, "--secret", "id="+filepath.Base(f)+",src="+f)
	}
	return options
}

// company are the indexes of examples/private-index.
type company struct {
	private, public *pypiserver
	passwords       string // file of the private one
}

const companyPassword = canary + "-company"

// serveIndexes serves the indexes of examples/private-index, and makes the project in dir name these servers. The public one has a higher
// version of each private package, and passes on what it does not have.
func serveIndexes(t *testing.T, dir string) *company {
	t.Helper()
	private, public := t.TempDir(), t.TempDir()
	const sources = "testdata/private-index"
	prices, err := os.ReadFile(filepath.Join(sources, "acme_prices.py"))
	if err != nil {
		t.Fatal(err)
	}
	putWheel(t, private, "acme_prices", "1.4.0", string(prices))
	putSdist(t, private, filepath.Join(sources, "acme_tax-2.1.0"), "PKG-INFO", "pyproject.toml", "acme_tax.py")
	putSdist(t, private, filepath.Join(sources, "acme_backend-1.0"), "PKG-INFO", "pyproject.toml", "acme_backend.py")
	for _, module := range []string{"acme_prices", "acme_tax", "acme_backend"} {
		putWheel(t, public, module, "9.0", "raise SystemExit('a stranger was here')\n")
	}
	c := &company{passwords: filepath.Join(t.TempDir(), "htpasswd")}
	write(t, filepath.Dir(c.passwords), "htpasswd", "")
	c.private = newPypiserver(t, private, "--disable-fallback", "--authenticate", "download,list,update", "--passwords", c.passwords)
	c.rotate(t, dir, companyPassword)
	pipsIndex := must(t, ".", "python3", "-c", "from pip._internal.commands import create_command; print(create_command('download').parse_args([])[0].index_url, end='')")
	c.public = newPypiserver(t, public, "--fallback-url", pipsIndex)
	replace(t, dir, "Pyfile", "https://index.example/simple/", c.private.address)
	replace(t, dir, "Pyfile", "[index.company]", "[index.default]\nurl = \""+c.public.address+"\"\n\n[index.company]")
	return c
}

// companyProject copies examples/private-index and serves its indexes.
func companyProject(t *testing.T) (dir string, c *company) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("../examples/private-index")); err != nil {
		t.Fatal(err)
	}
	return dir, serveIndexes(t, dir)
}

// rotate gives the private index another password, and the secret of the project with it.
func (c *company) rotate(t *testing.T, dir, password string) {
	t.Helper()
	must(t, ".", filepath.Join(c.private.programs, "python"), "-c", "import sys; from passlib.apache import HtpasswdFile; f = HtpasswdFile(sys.argv[1], default_scheme='sha256_crypt'); f.set_password('robot', sys.argv[2]); f.save()", c.passwords, password)
	later := time.Now().Add(time.Hour) // it looks whether the time of the file has changed, in seconds
	if err := os.Chtimes(c.passwords, later, later); err != nil {
		t.Fatal(err)
	}
	write(t, dir+".secrets", "company-index", password)
}

// A package that the private index has never comes from the public one, whose versions are higher: with each kind of lock and without one,
// for what is installed and for what builds it. The public index does not even hear their names.
func TestPackagesOfAPrivateIndexComeFromNowhereElse(t *testing.T) {
	expect := examples(t)["private-index"]
	for how, relock := range map[string]func(t *testing.T, dir string, c *company){
		"hashes": func(*testing.T, string, *company) {},
		"none": func(t *testing.T, dir string, _ *company) {
			must(t, dir, "rm", "requirements.txt")
		},
		"uv": func(t *testing.T, dir string, c *company) {
			must(t, dir, "rm", "requirements.txt")
			uv := filepath.Join(pythonTool(t, "uv-tool-0.13.9", "uv==0.13.9"), "uv")
			must(t, dir, "env", "UV_DEFAULT_INDEX="+c.public.address, "UV_INDEX=company="+c.private.address, "UV_INDEX_COMPANY_USERNAME=robot", "UV_INDEX_COMPANY_PASSWORD="+companyPassword,
				uv, "lock", "--quiet", "--no-config", "--no-cache")
		},
	} {
		t.Run(how, func(t *testing.T) {
			dir, c := companyProject(t)
			image := registryHost + "/test/private-index:" + how
			relock(t, dir, c)
			c.public.take(t)
			_, log := labDaemon().push(t, dir, image)
			must(t, ".", "docker", "pull", "-q", image)
			behaves(t, image, expect)
			if asked := c.public.take(t); strings.Contains(asked, "acme") || !strings.Contains(asked, "/simple/hatchling/") {
				t.Errorf("the public index hears of private packages, or of nothing:\n%s", asked)
			}
			leaksNothing(t, image, log)
		})
	}
}

// A password that is changed on the server and in the secret builds nothing again; what has to be asked then is asked with the new one.
func TestRotatedPasswordBuildsNothingAgain(t *testing.T) {
	dir, c := companyProject(t)
	image := registryHost + "/test/private-index:rotated"
	labDaemon().push(t, dir, image)
	before := imageOf(t, image)
	c.private.take(t)
	c.public.take(t)
	c.rotate(t, dir, companyPassword+"-2")
	replace(t, dir, "src/quote/__init__.py", "a quote is", "this quote is")
	_, log := labDaemon().push(t, dir, image)
	if asked := c.private.take(t) + c.public.take(t); asked != "" {
		t.Errorf("after the rotation the indexes are asked again:\n%s\n%s", asked, log)
	}
	if after := imageOf(t, image); len(after.missingFrom(before)) != 1 {
		t.Errorf("changed code and a rotated password give the new layers %v", after.missingFrom(before))
	}
	lock, err := os.ReadFile(filepath.Join(dir, "requirements.txt"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(lock), "\n")
	lines = slices.DeleteFunc(lines, func(l string) bool { return strings.HasPrefix(l, "#") })
	write(t, dir, "requirements.txt", strings.Join(lines, "")+"sniffio==1.3.1 --hash=sha256:2f6da418d1f1e0fddd844478f41680e794e6051915791a034ff65e5f100525a2\n")
	write(t, dir+".secrets", "company-index", companyPassword)
	out, err := labDaemon().build(t, dir)
	if want := "403 Forbidden to the login with the build secret company-index"; err == nil || !strings.Contains(out, want) || strings.Contains(out, companyPassword) {
		t.Errorf("with the old password there is no %q in\n%s", want, report(out))
	}
	write(t, dir+".secrets", "company-index", companyPassword+"-2")
	labDaemon().push(t, dir, image)
	if asked := c.private.take(t); !strings.Contains(asked, "/simple/sniffio/") {
		t.Errorf("another lock asks for\n%s", asked)
	}
}

// taxProject is the source of acme-tax as a project, which is built with acme-backend.
func taxProject(t *testing.T, pyfile string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata/private-index/acme_tax-2.1.0")); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "Pyfile", "# syntax=org/pyfile:1\npython = \"3.13\"\n"+pyfile)
	replace(t, dir, "pyproject.toml", "[build-system]", "[project]\nname = \"acme-tax\"\nversion = \"2.1.0\"\n\n[build-system]")
	return dir
}

// pip would only say that there is no such package.
func TestLoginThatIsRefusedForABuildRequirementIsTold(t *testing.T) {
	_, c := companyProject(t)
	dir := taxProject(t, "[index.company]\nurl = \""+c.private.address+"\"\nusername = \"robot\"\nsecret = \"company-index\"\n")
	for secret, want := range map[string]string{
		"":         "the index company needs the build secret company-index, which the build was not given",
		"outdated": "acme-backend cannot be fetched at " + c.private.address + ": it answers 403 Forbidden to the login with the build secret company-index",
	} {
		if secret != "" {
			write(t, dir+".secrets", "company-index", secret)
		}
		out, err := labDaemon().build(t, dir)
		_, told, _ := strings.Cut(out, "error: failed to solve: ")
		if err == nil || !strings.Contains(told, want) || strings.Contains(out, "outdated") {
			t.Errorf("with the secret %q the build does not say %q:\n%s", secret, want, report(out))
		}
		if err := os.RemoveAll(dir + ".secrets"); err != nil {
			t.Fatal(err)
		}
	}
}

// An image whose pip is configured for a second index has pip take the highest version of both. Build requirements come from the one that
// goes before, and the index of the image is asked though the build starts with a clean environment.
func TestBuildRequirementsComeFromTheFirstIndexOfTheImage(t *testing.T) {
	const sources = "testdata/private-index"
	private, public := t.TempDir(), t.TempDir()
	putSdist(t, private, filepath.Join(sources, "acme_backend-1.0"), "PKG-INFO", "pyproject.toml", "acme_backend.py")
	putWheel(t, public, "acme_backend", "9.0", "raise SystemExit('a stranger was here')\n")
	extra, first := newPypiserver(t, private, "--disable-fallback"), newPypiserver(t, public, "--disable-fallback")
	for how, line := range map[string]string{
		"env":  "ENV PIP_INDEX_URL=" + first.address + " PIP_EXTRA_INDEX_URL=" + extra.address,
		"file": "RUN printf '[global]\\nindex-url = " + first.address + "\\nextra-index-url = " + extra.address + "\\n' > /etc/pip.conf",
	} {
		base, image := derivedBase(t, "two-indexes-"+how, line), registryHost+"/test/two-indexes:"+how
		dir := taxProject(t, "base = \""+base+"\"\ncmd = [\"python\", \"-c\", \"import acme_tax; print(acme_tax.built_with)\"]\n")
		labDaemon().push(t, dir, image)
		if got := run(t, image); got != "acme-backend 1.0\n" {
			t.Errorf("%s: built by %q", how, got)
		}
	}
}
