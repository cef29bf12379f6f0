//go:build integration

package integration

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// services are those of examples/workspace-services.
var services = []string{"admin", "api", "worker"}

// bake builds all services with one command, and returns their images and what the build printed. The cache is the variable of the bake file.
func bake(t *testing.T, dir, repository, builder, cache string, args ...string) (map[string]pushed, string) {
	t.Helper()
	log := must(t, dir, "env", append([]string{"REPOSITORY=" + repository, "CACHE=" + cache, "docker", "buildx", "bake", "--builder", builder, "--progress", "plain", "--provenance=false"}, args...)...)
	images := map[string]pushed{}
	for _, s := range services {
		if slices.Contains(args, "--load") {
			images[s] = saved(t, repository+"/"+s+":latest")
		} else {
			images[s] = imageOf(t, repository+"/"+s+":latest")
		}
	}
	return images, log
}

// version is that of a wheel in the history.
var version = regexp.MustCompile(` [0-9]+\.[0-9a-z.]*`)

// shared are the services that have each layer of dependencies, by the wheels in it. The same wheels must be the same layer everywhere.
func shared(t *testing.T, images map[string]pushed) map[string][]string {
	t.Helper()
	out, digests := map[string][]string{}, map[string]string{}
	for _, s := range services {
		for digest, name := range images[s].names(t) {
			wheels, ok := strings.CutPrefix(name, "install ")
			if !ok {
				continue
			}
			if was := digests[name]; was != "" && was != digest {
				t.Errorf("%q of %s is %s, and %s elsewhere", name, s, digest, was)
			}
			digests[name] = digest
			wheels = version.ReplaceAllString(wheels, "")
			out[wheels] = append(out[wheels], s)
		}
	}
	return out
}

var bakeStep = regexp.MustCompile(`(?m)^#(\d+) \[([a-z]+) (?:base|dep-builder|app-builder|final)\] ((?:build|install|verify|compile|read|take) .*)$`)

// bakeRan are the steps of all services that executed something, sorted. A step that several have is executed once, under the name of one of them.
func bakeRan(log string) []string {
	ran, idle := map[string]string{}, map[string]bool{}
	for _, m := range bakeStep.FindAllStringSubmatch(log, -1) {
		ran[m[1]] = m[3]
	}
	for _, m := range loaded.FindAllStringSubmatch(log, -1) {
		idle[m[1]] = true
	}
	for _, m := range vertexEnd.FindAllStringSubmatch(log, -1) {
		idle[m[1]] = idle[m[1]] || m[2] != "DONE"
	}
	maps.DeleteFunc(ran, func(id, _ string) bool { return idle[id] })
	return slices.Sorted(maps.Values(ran))
}

// TestServicesOfAWorkspaceShareWhatIsEqual builds the services of a workspace, changes one of them, and then the library of all.
func TestServicesOfAWorkspaceShareWhatIsEqual(t *testing.T) {
	t.Parallel()
	dir, repository := example(t, "workspace-services"), registryHost+"/test/services"
	before, _ := bake(t, dir, repository, labBuilder, "", "--push")
	// A group of small wheels is one layer where a service needs all of it, and another where it needs a part.
	want := map[string][]string{
		"pydantic-core":                        {"admin", "api", "worker"},
		"annotated-types":                      {"admin", "api", "worker"},
		"shared":                               {"admin", "api", "worker"},
		"sqlalchemy":                           {"api", "worker"},
		"pydantic":                             {"admin", "worker"},
		"typing-extensions, typing-inspection": {"admin", "worker"},
		"fastapi, pydantic":                    {"api"},
		"idna, starlette, typing-extensions, typing-inspection and 1 more": {"api"},
		"anyio, click, h11, opentelemetry-api":                             {"api"},
		"annotated-doc":                                                    {"api"},
		"api":                                                              {"api"},
		"numpy":                                                            {"worker"},
		"tenacity":                                                         {"worker"},
		"worker":                                                           {"worker"},
		"pygments":                                                         {"admin"},
		"rich":                                                             {"admin"},
		"markdown-it-py":                                                   {"admin"},
		"mdurl":                                                            {"admin"},
		"admin":                                                            {"admin"},
	}
	if got := shared(t, before); !reflect.DeepEqual(got, want) {
		t.Errorf("layers of dependencies:\n%v, want\n%v", got, want)
	}
	from, all, kept := len(imageOf(t, labImage("python:3.13-slim")).layers)+1, int64(0), int64(0) // the company's base has a layer of its own
	once := map[string]int64{}
	for _, s := range services {
		for i, l := range before[s].layers {
			if i < from {
				if l != before[services[0]].layers[i] {
					t.Errorf("%s has another base", s)
				}
				continue
			}
			all += before[s].sizes[i]
			once[l] = before[s].sizes[i]
		}
		if labels := before[s].config.Config.Labels; labels["org.opencontainers.image.vendor"] != "Example Ltd" || labels["org.opencontainers.image.title"] != s {
			t.Errorf("%s has the labels %v", s, labels)
		}
	}
	for _, n := range once {
		kept += n
	}
	twice := int64(0) // layers whose wheels are all in another layer too, because one service needs more of their group
	for _, s := range services {
		for l, name := range before[s].names(t) {
			for other := range want {
				if part := strings.TrimPrefix(version.ReplaceAllString(name, ""), "install "); part != other && want[part] != nil && strings.Contains(", "+strings.ReplaceAll(other, " and ", ", ")+",", ", "+part+",") {
					twice += once[l]
					once[l] = 0
				}
			}
		}
	}
	t.Logf("the images have %.1f MB above their base, of which the registry keeps %.1f MB, %.1f MB of it twice", float64(all)/1e6, float64(kept)/1e6, float64(twice)/1e6)
	if kept > all*7/10 || twice == 0 || twice > kept/20 {
		t.Errorf("of %d bytes the registry keeps %d, %d of them twice", all, kept, twice)
	}
	running := func(repository string) {
		if got := get(t, repository+"/api:latest", 8000, "/"); got != `{"service":"api","orders":2,"first":"19.99 EUR","database":1}` {
			t.Errorf("api answers %s", got)
		}
		for s, want := range map[string]string{"worker": "worker: 2 orders, 2249 cents\n", "admin": "admin: order 1 of 19.99 EUR\nadmin: order 2 of 2.50 EUR\n"} {
			if got := container(t, repository+"/"+s+":latest", []string{"--read-only", "--network", "none"}); got != want {
				t.Errorf("%s prints %q", s, got)
			}
		}
	}
	for _, s := range services {
		must(t, ".", "docker", "pull", "-q", repository+"/"+s+":latest")
	}
	running(repository)
	engine, _ := bake(t, dir, "services", "default", "", "--load")
	for _, s := range services {
		have, lab := engine[s].names(t), before[s].names(t)
		for l, name := range lab {
			// When the company's base is built on two daemons, its layer has two times in it.
			if have[l] != name && !strings.Contains(name, "/etc/localtime") {
				t.Errorf("%s of the Docker Engine lacks the layer %q", s, name)
			}
		}
	}
	running("services")

	now := time.Now().UnixNano()
	changed := func(what string, ran []string, layers map[string][]string) {
		t.Helper()
		after, log := bake(t, dir, repository, labBuilder, "", "--push")
		if got := bakeRan(log); !slices.Equal(got, ran) {
			t.Errorf("%s: these steps ran: %q, want %q", what, got, ran)
		}
		for _, s := range services {
			var added []string
			for _, l := range after[s].missingFrom(before[s]) {
				added = append(added, after[s].names(t)[l])
			}
			if !slices.Equal(added, layers[s]) || (len(added) == 0) != (after[s].digest == before[s].digest) {
				t.Errorf("%s: %s is %s with the new layers %q, want %q", what, s, after[s].digest, added, layers[s])
			}
		}
		shared(t, after)
		before = after
	}
	replace(t, dir, "services/worker/src/worker/__init__.py", "def main", fmt.Sprintf("x = %d\n\n\ndef main", now))
	changed("one service", []string{"build the wheel of worker", "install worker"}, map[string][]string{"worker": {"install worker"}})
	replace(t, dir, "libs/shared/src/shared/__init__.py", "class Order", fmt.Sprintf("x = %d\n\n\nclass Order", now))
	changed("the shared library", []string{"build the wheel of shared", "install shared"},
		map[string][]string{"admin": {"install shared"}, "api": {"install shared"}, "worker": {"install shared"}})
}

// TestServicesOfAWorkspaceAreCachedForAFreshRunner bakes on two daemons that have nothing in common but the cache in a registry.
func TestServicesOfAWorkspaceAreCachedForAFreshRunner(t *testing.T) {
	t.Parallel()
	dir, repository := example(t, "workspace-services"), registryHost+"/test/services-fresh"
	runner := func() (map[string]pushed, string) {
		name := fmt.Sprintf("fresh-%d", time.Now().UnixNano())
		must(t, dir, "docker", "buildx", "create", "--name", name, "--driver", "remote", freshDaemon(t, registryHost).addr)
		defer func() { must(t, dir, "docker", "buildx", "rm", name) }()
		return bake(t, dir, repository, name, repository+"-cache", "--push")
	}
	first, _ := runner()
	again, log := runner()
	for _, s := range services {
		if again[s].digest != first[s].digest {
			t.Errorf("%s is %s, not %s\n%s", s, again[s].digest, first[s].digest, again[s].differences(first[s]))
		}
	}
	if ran := bakeRan(log); len(ran) > 0 {
		t.Errorf("nothing changed, and these steps ran: %q\n%s", ran, log)
	}
}
