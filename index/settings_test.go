package index

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestSettingsKeepWhatALookupCanUse(t *testing.T) {
	for _, tt := range []struct {
		name, pip string
		want      *Settings
		warnings  []string
		err       string
	}{
		{"no pip", `{"cafile": null}`, &Settings{}, nil, ""},
		{"defaults", `{"index_url":"https://index.example/simple","builtin":"https://index.example/simple","extra_index_urls":[],"find_links":[],"no_index":false,"trusted_hosts":[],"cert":null,"proxy":"","timeout":15}`,
			&Settings{Default: "https://index.example/simple", Builtin: "https://index.example/simple", Timeout: 15}, nil, ""},
		{"everything", `{"index_url":" http://mirror.example/simple/ ","builtin":"https://index.example/simple","extra_index_urls":["https://extra.example/a","https://extra.example/b"],"find_links":["https://links.example/"],"trusted_hosts":["mirror.example"],"proxy":"http://proxy.example:3128","timeout":0.5}`,
			&Settings{Default: "http://mirror.example/simple/", Builtin: "https://index.example/simple", Extra: []string{"https://extra.example/a", "https://extra.example/b"}, FindLinks: []string{"https://links.example/"}, Trusted: []string{"mirror.example"}, Proxy: "http://proxy.example:3128", Timeout: 1}, nil, ""},
		{"an @ that is no login", `{"index_url":"https://index.example/@team/simple"}`, &Settings{Default: "https://index.example/@team/simple"}, nil, ""},
		{"no-index", `{"index_url":"https://index.example/simple","extra_index_urls":["https://extra.example/a"],"find_links":["https://links.example/"],"no_index":true}`,
			&Settings{FindLinks: []string{"https://links.example/"}}, nil, ""},
		{"what is in the image only", `{"index_url":"file:///srv/simple","find_links":["/opt/wheels","wheels"],"client_cert":"/x.pem"}`, &Settings{},
			[]string{
				"index-url of pip, file:///srv/simple, is no address that starts with https:// or http://, and is not asked",
				"find-links of pip, /opt/wheels, is no address that starts with https:// or http://, and is not asked",
				"find-links of pip, wheels, is no address that starts with https:// or http://, and is not asked",
				"client-cert of pip is not used: a private key has no place in an image",
			}, ""},
		{"passwords", `{"index_url":"https://bob:hunter2@index.example/simple","extra_index_urls":["https://hunter2@extra.example/a"],"find_links":["http://a:hunter2%zz@x/","http://a:hunter2/3@x/"],"proxy":"http://bob:hunter2@proxy.example:3128"}`, nil, nil,
			"pip of this image is configured with a password in index-url: https://***@index.example/simple\n\thint: take it out of the image, and name the index in the Pyfile: [index.default] with url, username and secret\n" +
				"pip of this image is configured with a password in extra-index-url: https://***@extra.example/a\n\thint: take it out of the image, and name the index in the Pyfile: [index.default] with url, username and secret\n" +
				"pip of this image is configured with a password in find-links: http://***@x/\n\thint: take it out of the image, and name the index in the Pyfile: [index.default] with url, username and secret\n" +
				"pip of this image is configured with a password in find-links: http://***@x/\n\thint: take it out of the image, and name the index in the Pyfile: [index.default] with url, username and secret\n" +
				"pip of this image is configured with a password in proxy\n\thint: take it out of the image, and build with --build-arg HTTPS_PROXY=..."},
	} {
		p, err := parsePip([]byte(tt.pip))
		if err != nil {
			t.Fatal(err)
		}
		got, warnings, err := p.settings()
		if !reflect.DeepEqual(got, tt.want) || !slices.Equal(warnings, tt.warnings) {
			t.Errorf("%s:\n got %+v, %q\nwant %+v, %q", tt.name, got, warnings, tt.want, tt.warnings)
		}
		if (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
			t.Errorf("%s: %v\nwant %s", tt.name, err, tt.err)
		}
		if err != nil {
			checkHidden(t, err.Error())
		}
	}
}

func TestAuthoritiesAreThosePipBelieves(t *testing.T) {
	dir := t.TempDir()
	one, two := pemOf("one"), pemOf("two")
	for name, text := range map[string]string{
		"one.pem":       "# a comment\n" + one + one,
		"key.pem":       string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("hunter2")})) + two,
		"none.pem":      "hunter2",
		"dir/b.pem":     two,
		"dir/a.0":       one,
		"dir/README":    "x",
		"dir/sub/c.pem": pemOf("three"),
	} {
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("nowhere", filepath.Join(dir, "dir", "dead.0")); err != nil {
		t.Fatal(err)
	}
	both := []string{one, two}
	slices.Sort(both)
	defer func(b []string) { bundles = b }(bundles)
	bundles = []string{filepath.Join(dir, "absent.pem")}
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, tt := range []struct {
		name string
		pip  pip
		env  map[string]string
		want string
		err  string
	}{
		{"cert of pip", pip{Cert: at("one.pem"), CAFile: at("key.pem")}, map[string]string{"SSL_CERT_FILE": at("key.pem")}, one, ""},
		{"cert of pip is a directory", pip{Cert: at("dir")}, nil, strings.Join(both, ""), ""},
		{"a variable", pip{CAFile: at("one.pem")}, map[string]string{"SSL_CERT_FILE": at("key.pem")}, two, ""},
		{"variables in their order", pip{}, map[string]string{"SSL_CERT_FILE": at("key.pem"), "REQUESTS_CA_BUNDLE": at("one.pem")}, one, ""},
		{"the system's file", pip{CAFile: at("key.pem"), CAPath: at("dir"), Certifi: at("one.pem")}, nil, two, ""},
		{"the system's directory", pip{CAPath: at("dir"), Certifi: at("one.pem")}, nil, strings.Join(both, ""), ""},
		{"pip's own", pip{CAFile: at("gone.pem"), CAPath: at("none.pem"), Certifi: at("one.pem")}, nil, one, ""},
		{"nothing", pip{}, nil, "", ""},
		{"a file that is not there", pip{Cert: at("gone.pem")}, nil, "", "cert of pip names a file that cannot be read: stat " + at("gone.pem") + ": no such file or directory"},
		{"a file without certificates", pip{}, map[string]string{"CURL_CA_BUNDLE": at("none.pem")}, "", "CURL_CA_BUNDLE must name a bundle of certificates in PEM form, and " + at("none.pem") + " holds none"},
	} {
		got, err := tt.pip.authorities(func(name string) string { return tt.env[name] })
		if string(got) != tt.want || (err == nil) != (tt.err == "") || err != nil && err.Error() != tt.err {
			t.Errorf("%s: %q, %v\nwant %q, %s", tt.name, got, err, tt.want, tt.err)
		}
	}
}

func pemOf(content string) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte(content)}))
}

// interpreter is a Python with pip, in an environment where nobody configured it.
func interpreter(t *testing.T) string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Fatal(err)
	}
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "PIP_") {
			t.Setenv(name, "")
			if err := os.Unsetenv(name); err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Setenv("PIP_CONFIG_FILE", os.DevNull)
	return python
}

func readSettings(t *testing.T, interpreter string) *Settings {
	t.Helper()
	var output bytes.Buffer
	dir := filepath.Join(t.TempDir(), "out")
	if err := WriteSettings(t.Context(), SettingsOptions{Out: dir, Interpreter: interpreter, Output: &output}); err != nil {
		t.Fatalf("%v\n%s", err, &output)
	}
	data, err := os.ReadFile(filepath.Join(dir, "settings.json"))
	if err != nil {
		t.Fatal(err)
	}
	s, err := ParseSettings(data)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestPipTellsItsSettings(t *testing.T) {
	python := interpreter(t)
	s := readSettings(t, python)
	if s.Default == "" || s.Default != s.Builtin || s.Timeout != 15 || s.Extra != nil || s.Proxy != "" {
		t.Errorf("%+v", s)
	}
	config := filepath.Join(t.TempDir(), "pip.conf")
	text := "[global]\nindex-url = https://index.example/simple\nextra-index-url =\n  https://a.example/simple\n  https://b.example/simple\ntimeout = 60\ntrusted-host = a.example\nproxy = http://proxy.example:1\nno-index = false\n" +
		"[download]\nindex-url = https://download.example/simple\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PIP_CONFIG_FILE", config)
	t.Setenv("PIP_FIND_LINKS", "https://links.example/one https://links.example/two")
	want := &Settings{
		Default: "https://download.example/simple", Extra: []string{"https://a.example/simple", "https://b.example/simple"}, FindLinks: []string{"https://links.example/one", "https://links.example/two"},
		Builtin: s.Builtin, Trusted: []string{"a.example"}, Proxy: "http://proxy.example:1", Timeout: 60, CA: s.CA,
	}
	if got := readSettings(t, python); !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	t.Setenv("PIP_INDEX_URL", "https://env.example/simple")
	want.Default = "https://env.example/simple"
	if got := readSettings(t, python); !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

// Where pip's inside has changed, what it prints for people gives the same settings.
func TestSettingsDoNotDependOnTheInsideOfPip(t *testing.T) {
	python := interpreter(t)
	config := filepath.Join(t.TempDir(), "pip.conf")
	text := "[global]\nextra-index-url =\n  https://a.example/simple\n  https://b.example/simple\ntimeout = 60\ntrusted-host = a.example\nno-index = off\nindex-url = https://index.example/simple\ncert = /ca.pem\n[download]\nproxy = http://proxy.example:1\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PIP_CONFIG_FILE", config)
	t.Setenv("PIP_FIND_LINKS", "https://links.example/one https://links.example/two")
	read := func(before string) (p map[string]any) {
		t.Helper()
		cmd := exec.Command(python, "-I", "-c", before+settingsScript)
		cmd.Stderr = os.Stderr
		out, err := cmd.Output()
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(out, &p); err != nil {
			t.Fatal(err)
		}
		return p
	}
	inside := read("")
	outside := read("import pip._internal.cli.cmdoptions as c, pip._internal.models.index as i; del c.general_group, i.PyPI\n")
	if !reflect.DeepEqual(inside, outside) {
		t.Errorf("\nthe inside says %v\nwhat is printed  %v", inside, outside)
	}
}

func TestAPythonWithoutPipHasNoIndex(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "venv")
	python := interpreter(t)
	if out, err := exec.Command(python, "-m", "venv", "--without-pip", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := readSettings(t, filepath.Join(dir, "bin", "python"))
	if s.CA = ""; !reflect.DeepEqual(s, &Settings{}) {
		t.Errorf("%+v", s)
	}
}

func TestBrokenImagesAreExplained(t *testing.T) {
	python := interpreter(t)
	out := filepath.Join(t.TempDir(), "out")
	err := WriteSettings(t.Context(), SettingsOptions{Out: out, Interpreter: "/nowhere/python3"})
	if err == nil || err.Error() != "/nowhere/python3 does not exist in this image" {
		t.Error(err)
	}
	config := filepath.Join(t.TempDir(), "pip.conf")
	if err := os.WriteFile(config, []byte("index-url = https://bob:hunter2@index.example/simple\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PIP_CONFIG_FILE", config)
	err = WriteSettings(t.Context(), SettingsOptions{Out: out, Interpreter: python})
	if err == nil || !strings.HasPrefix(err.Error(), "the settings of pip cannot be read: exit status ") || !strings.Contains(err.Error(), "pip.conf") {
		t.Error(err)
	}
	checkHidden(t, err.Error())
	t.Setenv("PIP_CONFIG_FILE", os.DevNull)
	t.Setenv("PIP_INDEX_URL", "https://bob:hunter2@index.example/simple")
	err = WriteSettings(t.Context(), SettingsOptions{Out: out, Interpreter: python})
	if err == nil || !strings.Contains(err.Error(), "a password in index-url: https://***@index.example/simple") {
		t.Error(err)
	}
	checkHidden(t, err.Error())
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Error("an output directory is left")
	}
}

func TestSettingsAreTheSameEveryTime(t *testing.T) {
	python := interpreter(t)
	server := httptest.NewTLSServer(nil)
	defer server.Close()
	bundle := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(bundle, certificate(server), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PIP_CERT", bundle)
	var first []string
	for range 2 {
		out := filepath.Join(t.TempDir(), "out")
		if err := WriteSettings(t.Context(), SettingsOptions{Out: out, Interpreter: python}); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, name := range []string{"ca.pem", "settings.json"} {
			data, err := os.ReadFile(filepath.Join(out, name))
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, string(data))
		}
		if got[0] != string(certificate(server)) || first != nil && !slices.Equal(first, got) {
			t.Errorf("got %q after %q", got, first)
		}
		first = got
	}
}
