package index

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
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

func TestEnvironmentTellsPipAndUVAboutTheSameIndexes(t *testing.T) {
	o := stepFiles(t, Settings{Default: "https://index.example/simple/", Extra: []string{"https://extra.example/simple/"}, Trusted: []string{"extra.example"}},
		map[string]string{"company": "p@ss word"},
		Source{Name: "company", URL: "https://packages.example/simple/", Username: "me", Secret: "company"})
	env, err := environment(o, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"PIP_INDEX_URL=https://index.example/simple/",
		"PIP_EXTRA_INDEX_URL=https://me:p%40ss%20word@packages.example/simple/ https://extra.example/simple/",
		"UV_DEFAULT_INDEX=pyfile1=https://index.example/simple/",
		"UV_INDEX=pyfile0=https://packages.example/simple/ pyfile2=https://extra.example/simple/",
		"UV_INDEX_PYFILE0_USERNAME=me",
		"UV_INDEX_PYFILE0_PASSWORD=p@ss word",
		"PIP_TRUSTED_HOST=extra.example",
		"UV_INSECURE_HOST=extra.example",
	} {
		if !slices.Contains(env, want) {
			t.Errorf("no %s in\n%s", want, strings.Join(env, "\n"))
		}
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

func TestSecretThatPipCannotSendIsAnErrorThatDoesNotShowIt(t *testing.T) {
	o := stepFiles(t, Settings{}, map[string]string{"company": "Bearer hunter2"}, Source{Name: "company", URL: "https://packages.example/simple/", Secret: "company"})
	_, err := environment(o, t.TempDir())
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "user and a password") {
		t.Errorf("%v", err)
	}
}

func TestRunGivesTheCommandItsEnvironmentAndItsFailure(t *testing.T) {
	o := stepFiles(t, Settings{Default: "https://index.example/simple/"}, nil)
	if err := Run(context.Background(), o, []string{"sh", "-c", `test "$PIP_INDEX_URL" = https://index.example/simple/`}); err != nil {
		t.Error(err)
	}
	if err := Run(context.Background(), o, []string{"sh", "-c", "exit 3"}); err == nil || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("%v", err)
	}
	if err := Run(context.Background(), o, nil); err == nil {
		t.Error("no command is no error")
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
