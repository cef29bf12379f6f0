//go:build integration

package integration

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// policy writes a source policy and returns its file.
func policy(t *testing.T, rules ...map[string]any) string {
	t.Helper()
	data, err := json.Marshal(map[string]any{"rules": rules})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	write(t, dir, "policy.json", string(data))
	return filepath.Join(dir, "policy.json")
}

// convert is a rule that takes a source from elsewhere, and deny one that refuses it. A * stands for any text, which is ${1} in what it becomes.
func convert(source, to string, attributes ...string) map[string]any {
	updates := map[string]any{"identifier": to}
	for i := 0; i < len(attributes); i += 2 {
		updates["attrs"] = map[string]string{attributes[i]: attributes[i+1]}
	}
	return map[string]any{"action": "CONVERT", "selector": map[string]any{"identifier": source, "match_type": "WILDCARD"}, "updates": updates}
}

func deny(source string) map[string]any {
	return map[string]any{"action": "DENY", "selector": map[string]any{"identifier": source, "match_type": "WILDCARD"}}
}

// TestSourcePoliciesRewriteEveryFetch builds what names hosts that do not exist.
func TestSourcePoliciesRewriteEveryFetch(t *testing.T) {
	one := newWheel(t, "one", fmt.Sprintf("1.%d", time.Now().UnixNano())) // which the daemon does not have
	s := newIndex(t, []testWheel{one})
	dir := example(t, "git-dependency")
	server := regexp.MustCompile(`git://[^/]+/`).FindString(must(t, dir, "cat", "uv.lock"))
	for _, name := range []string{"uv.lock", "pyproject.toml"} {
		write(t, dir, name, strings.ReplaceAll(must(t, dir, "cat", name), server, "https://git.example/"))
	}
	replace(t, dir, "Pyfile", "python =", "base = \"company/python:3.13-slim\"\npython =")
	replace(t, dir, "pyproject.toml", "dependencies = [", "dependencies = [\"one\", ")
	replace(t, dir, "uv.lock", "    { name = \"greeting\" },\n", "    { name = \"greeting\" },\n    { name = \"one\" },\n")
	replace(t, dir, "uv.lock", "requires-dist = [", "requires-dist = [{ name = \"one\" }, ")
	write(t, dir, "uv.lock", must(t, dir, "cat", "uv.lock")+"\n[[package]]\nname = \"one\"\nversion = \""+one.version+"\"\nsource = { registry = \"https://index.example/simple\" }\n"+
		"wheels = [\n    { url = \"https://files.example/packages/"+one.filename()+"\", hash = \"sha256:"+one.sha256+"\" },\n]\n")
	rules := []map[string]any{
		convert("https://files.example/packages/*", s.URL+"/files/${1}"),
		convert("docker-image://docker.io/company/python:3.13-slim", "docker-image://docker.io/library/python:3.13-slim"),
		convert("git://git.example/tools.git#*", strings.TrimSuffix(server, "/")+"/tools.git#${1}", "git.fullurl", server+"tools.git"),
	}
	labDaemon().push(t, dir, registryHost+"/test/policy:1", "--source-policy-file", policy(t, rules...))
	if _, files := s.take(); len(files) != 1 {
		t.Errorf("the index was asked for %v", files)
	}
	run(t, registryHost+"/test/policy:1")
	for source, want := range map[string]string{
		"https://files.example/packages/*":                  `uv.lock:\d+: one-1.\d+-py3-none-any.whl from https://files.example/packages/one-1.\d+-py3-none-any.whl is denied by the source policy`,
		"docker-image://docker.io/company/python:3.13-slim": `Pyfile:\d+(:\d+)?: image company/python:3.13-slim is denied by the source policy`,
		"git://git.example/*":                               `uv.lock:\d+: https://git.example/tools.git is denied by the source policy`,
	} {
		without := policy(t, append([]map[string]any{deny(source)}, filter(rules, source)...)...)
		log, err := command(t, dir, "env", "EXPERIMENTAL_BUILDKIT_SOURCE_POLICY="+without, "docker", "buildx", "build", "--builder", labBuilder, "--progress", "plain", "-f", "Pyfile", ".")
		if err == nil || !regexp.MustCompile(want).MatchString(log) {
			t.Errorf("%s is denied: %v\n%s\nwant %s", source, err, report(log), want)
		}
	}
}

// filter leaves out the rule of a source.
func filter(rules []map[string]any, source string) []map[string]any {
	var out []map[string]any
	for _, r := range rules {
		if id := r["selector"].(map[string]any)["identifier"].(string); !strings.HasPrefix(id, strings.TrimSuffix(source, "*")) {
			out = append(out, r)
		}
	}
	return out
}
