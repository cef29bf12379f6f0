//go:build integration

package integration

import (
	"slices"
	"strings"
	"testing"
)

// builderSteps are the steps of the builders' stages among those that ran.
func builderSteps(ran []string) []string {
	return slices.DeleteFunc(slices.Clone(ran), func(step string) bool {
		return !strings.HasPrefix(step, "[dep-builder] ") && !strings.HasPrefix(step, "[app-builder] ")
	})
}

// TestFreshDaemonCompilesTheSameImages builds what is compiled and what has packages of the distribution on a daemon without a cache. The
// lab's own may have built it on another day, with older packages of the distribution and older build requirements, and does so again then.
func TestFreshDaemonCompilesTheSameImages(t *testing.T) {
	d := freshDaemon(t, registryHost)
	for _, name := range compiled {
		dir, image := example(t, name), registryHost+"/test/compiled-"+name+":"
		fresh, log := d.push(t, dir, image+"fresh")
		if len(ranSteps(log)) == 0 {
			t.Fatalf("%s: nothing runs on a fresh daemon\n%s", name, log)
		}
		lab, _ := labDaemon().push(t, dir, image+"lab")
		if fresh != lab {
			lab, _ = labDaemon().push(t, dir, image+"lab", "--no-cache")
		}
		if fresh != lab {
			t.Errorf("%s: two images\n%s", name, imageOf(t, image+"fresh").differences(imageOf(t, image+"lab")))
		}
	}
	t.Run("OnlyWhatAChangeTouches", func(t *testing.T) { compilesAgain(t, d) })
}

// compilesAgain changes a project with one dependency that is compiled and one that has a source too, but nothing to compile.
func compilesAgain(t *testing.T, d daemon) {
	dir, image := example(t, "django-postgres"), registryHost+"/test/compiled:again"
	replace(t, dir, "pyproject.toml", `"psycopg2>=2.9"`, `"psycopg2>=2.9", "docopt==0.6.2"`)
	uvLock(t, dir)
	_, log := d.push(t, dir, image)
	if steps := builderSteps(ranSteps(log)); !slices.ContainsFunc(steps, func(s string) bool { return strings.Contains(s, "docopt") }) {
		t.Errorf("docopt is not built from its source: %q\n%s", steps, log)
	}
	before := imageOf(t, image)

	// changed builds again and returns the steps that ran.
	changed := func() []string {
		t.Helper()
		_, log = d.push(t, dir, image)
		return ranSteps(log)
	}
	bump(t, dir, "sqlparse==0.5.3")
	if got, want := changed(), []string{"[base] install sqlparse 0.5.3", "[final] verify what was installed"}; !slices.Equal(got, want) {
		t.Errorf("after a bump of sqlparse %q run, not %q\n%s", got, want, log)
	}

	relist(t, dir, "run", append(listed(t, dir, "run"), "libidn2-0"))
	want := []string{"[base] install libidn2-0, libpq5", "[base] read the shared libraries", "[final] verify what was installed"}
	if got := changed(); !slices.Equal(got, want) {
		t.Errorf("after a change of [apt] run %q run, not %q\n%s", got, want, log)
	}
	after := imageOf(t, image)

	relist(t, dir, "build", append(listed(t, dir, "build"), "make"))
	ran := changed()
	if len(builderSteps(ran)) != len(ran) {
		t.Errorf("after a change of [apt] build %q run, and not only what the builder needs\n%s", ran, log)
	}
	compiles := slices.DeleteFunc(ran, func(step string) bool { return !strings.Contains(step, " build the wheel of ") })
	if want := []string{"[dep-builder] build the wheel of psycopg2 2.9.13"}; !slices.Equal(compiles, want) {
		t.Errorf("after a change of [apt] build %q are built, not %q\n%s", compiles, want, log)
	}
	if got := imageOf(t, image); got.digest != after.digest || got.digest == before.digest {
		t.Errorf("[apt] build changes the image: %v", got.missingFrom(after))
	}
}
