package index

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// stepFiles writes the files of a step: settings, query and secrets.
func stepFiles(t *testing.T, settings Settings, secrets map[string]string, sources ...Source) LookupOptions {
	t.Helper()
	dir := t.TempDir()
	data, err := encode(settings)
	if err != nil {
		t.Fatal(err)
	}
	query, err := Query{Indexes: sources, Packages: []Package{}}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"settings/settings.json": string(data), "query.json": string(query)}
	for id, secret := range secrets {
		files["secrets/"+id] = secret
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return LookupOptions{Settings: filepath.Join(dir, "settings"), Query: filepath.Join(dir, "query.json"), Secrets: filepath.Join(dir, "secrets"),
		CA: filepath.Join(dir, "secrets", "ca-bundle"), Output: &bytes.Buffer{}}
}

// Neither the environment nor the command line of a program has a credential: what it runs could read them.
func TestProgramSeesOneIndexAndNoCredentials(t *testing.T) {
	o := stepFiles(t, Settings{Default: "https://index.example/simple/", Extra: []string{"https://extra.example/simple/"}, FindLinks: []string{"https://links.example/"},
		Trusted: []string{"extra.example"}, Proxy: "http://proxy.example:1"},
		map[string]string{"company": "hunter2"}, Source{Name: "company", URL: "https://packages.example/simple/", Username: "me", Secret: "company"})
	t.Setenv("NO_PROXY", "internal.example")
	var env []string
	if err := serve(t.Context(), o, func(m *mirror, all []string) error { env = all; return nil }); err != nil {
		t.Fatal(err)
	}
	variables := map[string]string{}
	for _, v := range env { // the last of a name counts
		name, value, _ := strings.Cut(v, "=")
		variables[name] = value
	}
	index := regexp.MustCompile(`^http://127\.0\.0\.1:\d+/[0-9a-f]{32}/simple/$`)
	for _, name := range []string{"PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX"} {
		if !index.MatchString(variables[name]) {
			t.Errorf("%s=%s", name, variables[name])
		}
	}
	for name, want := range map[string]string{"PIP_NO_INDEX": "0", "PIP_TRUSTED_HOST": "extra.example", "UV_INSECURE_HOST": "extra.example", "NO_PROXY": "internal.example,127.0.0.1", "PIP_CONFIG_FILE": os.DevNull} {
		if variables[name] != want {
			t.Errorf("%s=%s, want %s", name, variables[name], want)
		}
	}
	if text := strings.Join(env, "\n"); strings.Contains(text, "hunter2") || strings.Contains(text, "packages.example") || strings.Contains(text, "links.example") {
		t.Errorf("the program sees more:\n%s", text)
	}
}

func TestEnvironmentHasTheAuthoritiesOfTheImageAndOfTheSecret(t *testing.T) {
	o := stepFiles(t, Settings{Default: "https://index.example/simple/", CA: "ca.pem"}, map[string]string{"ca-bundle": "of the secret"})
	if err := os.WriteFile(filepath.Join(o.Settings, "ca.pem"), []byte("of the image"), 0o644); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	bundle, err := authorityBundle(o, &Settings{CA: "ca.pem"}, dir)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(bundle)
	if err != nil || string(data) != "of the image\nof the secret\n" {
		t.Errorf("%q, %v", data, err)
	}
}

func TestRunGivesTheCommandItsEnvironmentAndItsFailure(t *testing.T) {
	o := stepFiles(t, Settings{Default: "https://index.example/simple/"}, nil)
	if err := Run(context.Background(), o, []string{"sh", "-c", `test -n "$PIP_INDEX_URL" && test "$PIP_INDEX_URL" = "$UV_DEFAULT_INDEX"`}); err != nil {
		t.Error(err)
	}
	if err := Run(context.Background(), o, []string{"sh", "-c", "exit 3"}); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("%v", err)
	}
	if err := Run(context.Background(), o, nil); err == nil {
		t.Error("no command is no error")
	}
}

func TestMissingSecretIsToldBeforeTheCommandStarts(t *testing.T) {
	o := stepFiles(t, Settings{}, nil, Source{Name: "company", URL: "https://packages.example/simple/", Secret: "company-index"})
	started := filepath.Join(t.TempDir(), "started")
	err := Run(t.Context(), o, []string{"touch", started})
	if err == nil || !strings.Contains(err.Error(), "build with --secret id=company-index,env=COMPANY_INDEX") {
		t.Errorf("%v", err)
	}
	if _, err := os.Stat(started); !os.IsNotExist(err) {
		t.Error("the command has run")
	}
}

func TestLockRepeatsWhatItWasMadeFor(t *testing.T) {
	const lock = "lock-version = \"1.0\"\n\n[[packages]]\nname = \"a\"\n"
	if got := string(withRequires([]byte(lock), nil)); got != lock {
		t.Errorf("%s", got)
	}
	want := lock + "\n[tool.pyfile]\nrequires = [\n    \"a>=1\",\n    \"b; sys_platform == \\\"linux\\\"\",\n]\n"
	if got := string(withRequires([]byte(lock), []string{"a>=1", "b; sys_platform == \"linux\""})); got != want {
		t.Errorf("%s", got)
	}
}

func TestLockNamesTheExtrasAndGroupsThatItIsFor(t *testing.T) {
	const lock = "lock-version = \"1.0\"\ncreated-by = \"uv\"\n\n[[packages]]\nname = \"a\"\n"
	if got := string(withNames([]byte(lock), nil, nil)); got != lock {
		t.Errorf("%s", got)
	}
	want := "lock-version = \"1.0\"\ncreated-by = \"uv\"\nextras = [\"pg\"]\ndependency-groups = [\"a\", \"b\"]\n\n[[packages]]\nname = \"a\"\n"
	if got := string(withNames([]byte(lock), []string{"pg"}, []string{"a", "b"})); got != want {
		t.Errorf("%s", got)
	}
}
