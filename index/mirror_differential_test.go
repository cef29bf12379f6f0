//go:build differential

package index

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// uvRelease is the uv that resolves in builds.
const uvRelease = "0.13.9"

// wheelOf is the name and the bytes of a wheel without modules.
func wheelOf(t *testing.T, project, version string, requires ...string) (name, data string) {
	t.Helper()
	info := project + "-" + version + ".dist-info/"
	metadata := "Metadata-Version: 2.1\nName: " + project + "\nVersion: " + version + "\n"
	for _, r := range requires {
		metadata += "Requires-Dist: " + r + "\n"
	}
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, f := range [][2]string{
		{project + ".py", "version = '" + version + "'\n"},
		{info + "METADATA", metadata},
		{info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"},
		{info + "RECORD", project + ".py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n"},
	} {
		w, err := z.Create(f[0])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return project + "-" + version + "-py3-none-any.whl", out.String()
}

// sdistOf is a source distribution that can only be built with tool 1.0, and not where it sees a password.
func sdistOf(t *testing.T, project, version string) (name, data string) {
	t.Helper()
	stem := project + "-" + version
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for _, f := range [][2]string{
		{"PKG-INFO", "Metadata-Version: 2.1\nName: " + project + "\nVersion: " + version + "\n"},
		{"pyproject.toml", "[build-system]\nrequires = [\"tool\"]\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n"},
		{"backend.py", fmt.Sprintf(`import glob, os, tool, zipfile

assert tool.version == "1.0", tool.version
seen = [open(f).read() for f in glob.glob("/proc/[0-9]*/cmdline")] + list(os.environ.values())
assert not any("hunter2" in text for text in seen), "the build sees a password"

def build_wheel(directory, settings=None, metadata=None):
    with zipfile.ZipFile(os.path.join(directory, "%[1]s-%[2]s-py3-none-any.whl"), "w") as z:
        for name, text in [("METADATA", "Metadata-Version: 2.1\nName: %[1]s\nVersion: %[2]s\n"), ("WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"), ("RECORD", "")]:
            z.writestr("%[1]s-%[2]s.dist-info/" + name, text)
    return "%[1]s-%[2]s-py3-none-any.whl"
`, project, version)},
	} {
		if err := w.WriteHeader(&tar.Header{Name: stem + "/" + f[0], Size: int64(len(f[1])), Mode: 0o644}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f[1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return stem + ".tar.gz", out.String()
}

// attributes are what a page says of a file besides.
type attributes map[string]string

// offer serves a project's files by an HTML page, as indexes do that know nothing newer, and each with the attributes of its name.
func (s *server) offer(project string, more attributes, files ...string) {
	var page strings.Builder
	for i := 0; i < len(files); i += 2 {
		name, data := files[i], files[i+1]
		fmt.Fprintf(&page, "<a href=\"../../files/%s#sha256=%s\" %s>%s</a>\n", name, sumOf(data), more[name], name)
		s.mux.HandleFunc("/files/"+name, func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", epoch, strings.NewReader(data))
		})
	}
	s.mux.HandleFunc("/simple/"+project+"/", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, page.String())
	})
}

// two is a private and a public index. The public one has higher versions of all private projects.
func two(t *testing.T) (private, public *server) {
	t.Helper()
	private, public = newServer(t, (*httptest.Server).Start), newServer(t, (*httptest.Server).Start)
	files := func(list ...string) []string { return list }
	wheel := func(project, version string, requires ...string) []string {
		name, data := wheelOf(t, project, version, requires...)
		return files(name, data)
	}
	sdist := func(project, version string) []string {
		name, data := sdistOf(t, project, version)
		return files(name, data)
	}
	private.offer("demo", nil, wheel("demo", "1.0", "lib", "built")...)
	private.offer("built", nil, sdist("built", "1.0")...)
	private.offer("tool", nil, wheel("tool", "1.0")...)
	for _, project := range []string{"demo", "built", "tool"} {
		public.offer(project, nil, wheel(project, "2.0")...)
	}
	public.offer("lib", attributes{"lib-2.0-py3-none-any.whl": `data-yanked="broken"`}, slices.Concat(wheel("lib", "1.0"), wheel("lib", "2.0"))...)
	serve := private.Config.Handler
	private.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer hunter2" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		serve.ServeHTTP(w, r)
	})
	return private, public
}

// stepOf has the settings that pip reads from a file, which names an extra index, too, and the private index.
func stepOf(t *testing.T, python string, private, public *server) LookupOptions {
	t.Helper()
	o := stepFiles(t, Settings{}, map[string]string{"company": "Bearer hunter2"}, Source{Name: "company", URL: private.URL + "/simple/", Secret: "company"})
	interpreter(t) // no variable of pip from here on
	config := filepath.Join(t.TempDir(), "pip.conf")
	if err := os.WriteFile(config, []byte("[global]\nindex-url = "+public.URL+"/simple/\nextra-index-url = "+public.URL+"/simple/\n[install]\nextra-index-url = "+public.URL+"/simple/\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PIP_CONFIG_FILE", config)
	if err := os.RemoveAll(o.Settings); err != nil {
		t.Fatal(err)
	}
	if err := WriteSettings(t.Context(), SettingsOptions{Out: o.Settings, Interpreter: python}); err != nil {
		t.Fatal(err)
	}
	return o
}

// What an index of higher precedence has comes from there, also what builds a package, though pip takes the highest version of all indexes.
func TestARealPipTakesWhatTheFirstIndexHas(t *testing.T) {
	for _, release := range []string{"21.3.1", pipRelease} { // the first speaks HTML only
		python := venv(t, "pip-"+release, "pip=="+release)
		private, public := two(t)
		o := stepOf(t, python, private, public)
		dir := t.TempDir()
		if err := Run(t.Context(), o, []string{python, "-m", "pip", "download", "--quiet", "--no-cache-dir", "--disable-pip-version-check", "--dest", dir, "demo"}); err != nil {
			t.Fatalf("pip %s: %v", release, err)
		}
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		if want := []string{"built-1.0.tar.gz", "demo-1.0-py3-none-any.whl", "lib-1.0-py3-none-any.whl"}; !slices.Equal(names, want) {
			t.Errorf("pip %s takes %v, want %v", release, names, want)
		}
		if n := public.count("/simple/demo/") + public.count("/simple/built/") + public.count("/simple/tool/"); n != 0 {
			t.Errorf("pip %s: the public index hears the names of private projects, %d times", release, n)
		}
	}
}

// The lock names the files of the indexes, and no address of the step.
func TestARealUVLocksWhatTheFirstIndexHas(t *testing.T) {
	python := venv(t, "uv-wheel-"+uvRelease, "pip=="+pipRelease)
	wheels := filepath.Join(filepath.Dir(filepath.Dir(python)), "wheel")
	if list, _ := filepath.Glob(filepath.Join(wheels, "*.whl")); len(list) != 1 {
		run(t, "", python, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", wheels, "uv=="+uvRelease)
	}
	private, public := two(t)
	o := ResolveOptions{LookupOptions: stepOf(t, python, private, public), UV: wheels, Source: t.TempDir(), Interpreter: python, Python: "3.11", Inputs: []string{"requirements.in"}}
	o.Out = filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(filepath.Join(o.Source, "requirements.in"), []byte("demo\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Resolve(t.Context(), o); err != nil {
		t.Fatal(err, o.Output)
	}
	data, err := os.ReadFile(filepath.Join(o.Out, lockName))
	if err != nil {
		t.Fatal(err)
	}
	lock := strings.NewReplacer(private.URL, "PRIVATE", public.URL, "PUBLIC").Replace(string(data))
	for _, want := range []string{
		"name = \"demo\"\nversion = \"1.0\"\nwheels = [{ url = \"PRIVATE/files/demo-1.0-py3-none-any.whl\"",
		"name = \"built\"\nversion = \"1.0\"\nsdist = { url = \"PRIVATE/files/built-1.0.tar.gz\"",
		"name = \"lib\"\nversion = \"1.0\"\nwheels = [{ url = \"PUBLIC/files/lib-1.0-py3-none-any.whl\"",
	} {
		if !strings.Contains(lock, want) {
			t.Errorf("no\n%s\nin\n%s", want, lock)
		}
	}
	if strings.Contains(lock, "127.0.0.1") {
		t.Errorf("the lock has an address of the step:\n%s", lock)
	}
	if n := public.count("/simple/demo/") + public.count("/simple/built/") + public.count("/simple/tool/"); n != 0 {
		t.Errorf("the public index hears the names of private projects, %d times", n)
	}
}
