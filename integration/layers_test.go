//go:build integration

package integration

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// dateCut is that of examples/locks.
const dateCut = "2026-11-01T00:00:00Z"

// uvLock locks a project with the pinned uv that made the examples' locks.
func uvLock(t *testing.T, dir string, args ...string) {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	found, err := filepath.Glob(filepath.Join(cache, "pyfile", "locks", "uv-*", "bin", "uv"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no uv; run `make locks`: %v", err)
	}
	must(t, dir, found[len(found)-1], append([]string{"lock", "--quiet", "--no-config", "--exclude-newer", dateCut}, args...)...)
}

// bump changes the version of one dependency in the lock of a project, as `uv lock --upgrade-package` does.
func bump(t *testing.T, dir, requirement string) {
	t.Helper()
	before := packages(t, dir)
	uvLock(t, dir, "--upgrade-package", requirement)
	var changed []string
	for name, version := range packages(t, dir) {
		if before[name] != version {
			changed = append(changed, name)
		}
	}
	want, _, _ := strings.Cut(requirement, "==")
	if !slices.Equal(changed, []string{want}) {
		t.Fatalf("bumping %s changed %v in the lock", requirement, changed)
	}
}

var lockPackage = regexp.MustCompile(`(?m)^name = "(.*)"\nversion = "(.*)"$`)

// packages are the names and versions in a project's uv.lock. Of a package with several versions all are joined.
func packages(t *testing.T, dir string) map[string]string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for _, m := range lockPackage.FindAllStringSubmatch(string(data), -1) {
		out[m[1]] += m[2] + " "
	}
	return out
}

func TestOneLineOfCodeIsOneNewLayer(t *testing.T) {
	dir, image := example(t, "data"), registryHost+"/test/layers:code"
	labDaemon().push(t, dir, image)
	before := imageOf(t, image)
	replace(t, dir, "src/data/report.py", "slope {slope", "The slope {slope")
	labDaemon().push(t, dir, image)
	after := imageOf(t, image)
	if layers := after.missingFrom(before); len(layers) != 1 || len(after.layers) != len(before.layers) || layers[0] != after.layers[len(after.layers)-1] {
		t.Errorf("new layers: %v of %v", layers, after.layers)
	}
}

func TestOneBumpedDependencyIsOneNewLayer(t *testing.T) {
	for _, requirement := range []string{"certifi==2025.8.3", "sqlalchemy==2.1.5"} { // one in a bucket, one large enough for a layer of its own
		dir, image := example(t, "data"), registryHost+"/test/layers:bump"
		labDaemon().push(t, dir, image)
		before := imageOf(t, image)
		bump(t, dir, requirement)
		labDaemon().push(t, dir, image)
		after := imageOf(t, image)
		if layers := after.missingFrom(before); len(layers) != 1 || len(after.layers) != len(before.layers) {
			t.Errorf("%s: new layers: %v of %v", requirement, layers, after.layers)
		}
	}
}

func TestAFileThatTheWheelDoesNotContainIsNoNewLayer(t *testing.T) {
	dir, image := example(t, "hello"), registryHost+"/test/layers:readme"
	labDaemon().push(t, dir, image)
	before := imageOf(t, image)
	write(t, dir, "NOTES.md", "not part of the wheel\n")
	_, log := labDaemon().push(t, dir, image)
	if after := imageOf(t, image); after.digest != before.digest {
		t.Errorf("the image changed: %v", after.missingFrom(before))
	}
	if ran := ranSteps(log); slices.Contains(ran, "[final] install hello") {
		t.Errorf("the application was installed again: %v", ran)
	}
}

func TestTwoFreshDaemonsMakeOneDigest(t *testing.T) {
	dir := example(t, "data")
	a, _ := freshDaemon(t, registryHost).push(t, dir, registryHost+"/test/digest:a")
	b, _ := freshDaemon(t, registryHost).push(t, dir, registryHost+"/test/digest:b", "--no-cache")
	if a != b {
		t.Errorf("two digests: %s and %s; layers of one only: %v", a, b, imageOf(t, registryHost+"/test/digest:a").missingFrom(imageOf(t, registryHost+"/test/digest:b")))
	}
}

// A fresh runner has nothing but a registry cache.
func TestFreshRunnerDoesNothingTwice(t *testing.T) {
	for _, mode := range []string{"min", "max"} {
		t.Run("mode="+mode, func(t *testing.T) {
			dir := example(t, "data")
			lock, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
			if err != nil {
				t.Fatal(err)
			}
			origin := regexp.MustCompile(`url = "(https?://[^/"]+)/`).FindStringSubmatch(string(lock))[1]
			index, registry := newProxy(t, origin), newProxy(t, "http://"+registryHost)
			// through makes the lock name the counting proxy in place of the files' own host.
			through := func() {
				data, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
				if err != nil {
					t.Fatal(err)
				}
				write(t, dir, "uv.lock", strings.ReplaceAll(string(data), `url = "`+origin+"/", `url = "http://`+index.host+"/"))
			}
			image, cache := registry.host+"/test/fresh:"+mode, registry.host+"/test/fresh-cache:"+mode
			through()
			first, _ := freshDaemon(t, registry.host).push(t, dir, image, "--export-cache", "type=registry,ref="+cache+",mode="+mode)
			if n := len(index.take()); n < 90 {
				t.Fatalf("the first build fetched %d files only", n)
			}
			registry.take()
			built, base := imageOf(t, image), imageOf(t, registryHost+"/library/python:3.13-slim")
			notes := built.layers[len(base.layers) : len(base.layers)+2] // what the base is, and what verify found
			for i := range notes {
				if size := built.sizes[len(base.layers)+i]; size > 64<<10 {
					t.Errorf("a layer of notes has %d bytes", size)
				}
			}

			// Nothing changed.
			second, log := freshDaemon(t, registry.host).push(t, dir, image, "--import-cache", "type=registry,ref="+cache)
			if first != second {
				t.Errorf("unchanged: digest %s became %s", first, second)
			}
			if ran := ranSteps(log); len(ran) != 0 {
				t.Errorf("unchanged: these steps ran: %v", ran)
			}
			if got := index.take(); len(got) != 0 {
				t.Errorf("unchanged: fetched from the index: %v", got)
			}
			requests := registry.take()
			got := pulledLayers(requests, built)
			slices.Sort(got)
			var others []string // blobs that are no layers: what steps leave, and the description of the cache
			for _, r := range matching(requests, "GET /v2/test/fresh-cache/") {
				if _, digest, blob := strings.Cut(r, "/blobs/"); blob && !slices.Contains(notes, digest) && !slices.Contains(others, digest) {
					others = append(others, digest)
				}
			}
			if len(others) > 1 {
				t.Errorf("unchanged: of the cache, these were pulled besides its description: %v", others)
			}
			if want := slices.Sorted(slices.Values(notes)); !slices.Equal(got, want) {
				t.Errorf("unchanged: layers pulled: %v; want the notes, which the frontend reads: %v", got, want)
			}
			if mode == "min" {
				// The facts of what is installed are no layers: they are made again, by installing it again. The image is the same.
				bump(t, dir, "certifi==2025.8.3")
				through()
				fresh, _ := freshDaemon(t, registry.host).push(t, dir, image, "--import-cache", "type=registry,ref="+cache)
				if lab, _ := labDaemon().push(t, dir, image); lab != fresh {
					t.Errorf("a bump with a cache of mode=min gives %s, not %s", fresh, lab)
				}
				return
			}

			// One bump: only its group runs, and only the group's wheels are fetched, which for a large wheel is that wheel alone.
			for _, requirement := range []string{"certifi==2025.8.3", "sqlalchemy==2.1.5"} {
				write(t, dir, "uv.lock", string(lock))
				bump(t, dir, requirement)
				through()
				_, log = freshDaemon(t, registry.host).push(t, dir, image, "--import-cache", "type=registry,ref="+cache)
				if ran := ranSteps(log); len(ran) != 2 || !strings.HasPrefix(ran[0], "[base] install ") || ran[1] != "[final] verify what was installed" {
					t.Errorf("%s: these steps ran: %v\n%s", requirement, ran, log)
				}
				name, version, _ := strings.Cut(requirement, "==")
				group := groupOf(t, name)
				fetched := index.take()
				for _, r := range fetched {
					wheel := r[strings.LastIndex(r, "/")+1:]
					if own, _, _ := strings.Cut(wheel, "-"); !slices.Contains(group, own) {
						t.Errorf("%s: fetched %s, which is not of its group %v", requirement, wheel, group)
					}
				}
				if len(matching(fetched, "/"+name+"-"+version+"-")) == 0 {
					t.Errorf("%s was not fetched: %v", requirement, fetched)
				}
				for _, l := range pulledLayers(registry.take(), built) {
					if !slices.Contains(notes, l) && !slices.Contains(base.layers, l) {
						t.Errorf("%s: layer %s was pulled", requirement, l)
					}
				}
				if layers := imageOf(t, image).missingFrom(built); len(layers) != 1 {
					t.Errorf("%s: new layers %v", requirement, layers)
				}
			}
			if group := groupOf(t, "sqlalchemy"); len(group) != 1 {
				t.Errorf("sqlalchemy is not alone in its group: %v", group)
			}
		})
	}
}

// pulledLayers are the layers of an image, or of the base it stands on, that were read from a registry.
func pulledLayers(requests []string, image pushed) []string {
	var out []string
	for _, r := range matching(requests, "GET /v2/") {
		for _, l := range image.layers {
			if strings.HasSuffix(r, "/blobs/"+l) {
				out = append(out, l)
			}
		}
	}
	return out
}

var (
	vertexName = regexp.MustCompile(`(?m)^#(\d+) (\[(?:dep-builder|base|app-builder|final)[^\]]*\] .*)$`)
	vertexEnd  = regexp.MustCompile(`(?m)^#(\d+) (DONE|CACHED|ERROR|CANCELED)`)
	// loaded are vertices whose result came from a registry cache: BuildKit says that they are done, not that they were cached.
	loaded = regexp.MustCompile(`(?m)^#(\d+) extracting sha256:`)
)

// ranSteps are the steps that executed something, in the order of the log. Images, the source, the merge and lists that the plan writes are
// not executed, and notes, which the frontend reads, are loaded from the cache; that nothing else is pulled is asserted at the registry.
// Nor is what ends as canceled in a build that succeeds: BuildKit was asking the cache for it when it found that what follows is in the cache.
func ranSteps(log string) []string {
	names := map[string]string{}
	for _, m := range vertexName.FindAllStringSubmatch(log, -1) {
		names[m[1]] = m[2]
	}
	cached := map[string]bool{}
	for _, m := range loaded.FindAllStringSubmatch(log, -1) {
		cached[m[1]] = true
	}
	var order []string
	for _, m := range vertexEnd.FindAllStringSubmatch(log, -1) {
		if m[2] == "CACHED" || m[2] == "CANCELED" {
			cached[m[1]] = true
		} else if !slices.Contains(order, m[1]) {
			order = append(order, m[1])
		}
	}
	var ran []string
	for _, id := range order {
		name := names[id]
		idle := name == "" || cached[id] || strings.Contains(name, "] FROM ") || strings.Contains(name, "] fetch ") ||
			strings.Contains(name, "] load the source") || strings.Contains(name, "] merge ") || strings.Contains(name, "] note ") ||
			strings.Contains(name, "] list ")
		if !idle {
			ran = append(ran, name)
		}
	}
	return ran
}

// groupOf are the distributions that are installed in one step with the named one, by the golden plan of the example.
func groupOf(t *testing.T, name string) []string {
	t.Helper()
	data, err := os.ReadFile("../examples/data/plan.json")
	if err != nil {
		t.Fatal(err)
	}
	var plan struct {
		Steps []struct {
			Exec *struct{ Args []string }
		}
	}
	if err := json.Unmarshal(data, &plan); err != nil {
		t.Fatal(err)
	}
	for _, s := range plan.Steps {
		var group []string
		if s.Exec != nil {
			for _, arg := range s.Exec.Args {
				if wheel, ok := strings.CutSuffix(filepath.Base(arg), ".whl"); ok {
					own, _, _ := strings.Cut(wheel, "-")
					group = append(group, own)
				}
			}
		}
		if slices.Contains(group, name) {
			return group
		}
	}
	t.Fatalf("no group of the plan has %s", name)
	return nil
}
