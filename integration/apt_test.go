//go:build integration

package integration

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// need is a package of the distribution that an example cannot do without.
type need struct {
	example, list, pkg string // list is "run" or "build" of [apt]
	report             string // regular expression of what the report of a build without it says
}

// needs has one package of every list of [apt] in the examples.
var needs = []need{
	{"django-postgres", "run", "libpq5", `psycopg2 .*libpq\.so\.5`},
	{"django-postgres", "build", "libpq-dev", `psycopg2 .*pg_config`},
	{"mysql", "run", "libmariadb3", `mysqlclient .*libmariadb\.so\.3`},
	{"uwsgi", "build", "gcc", `uwsgi .*C compiler`},
	{"cython", "run", "libidn2-0", `punycode .*libidn2\.so\.0`},
	{"cython", "build", "libidn2-dev", `punycode .*idn2\.h`},
	{"meson", "run", "libsodium23", `fingerprint .*libsodium\.so\.23`},
	{"meson", "build", "libsodium-dev", `fingerprint .*libsodium`},
	{"rust", "build", "cargo", `wordcount .*rustc`},
	{"ffmpeg", "run", "ffmpeg", `ffmpeg-python .*ffmpeg`},
}

// listed are the packages of a list of [apt] in a project's Pyfile.
func listed(t *testing.T, dir, list string) []string {
	t.Helper()
	var file struct{ Apt map[string][]string }
	readTOML(t, filepath.Join(dir, "Pyfile"), &file)
	return file.Apt[list]
}

// relist makes a list of [apt] in a project's Pyfile have these packages, and takes away what becomes empty.
func relist(t *testing.T, dir, list string, packages []string) {
	t.Helper()
	path := filepath.Join(dir, "Pyfile")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	const header = "\n[apt]\n"
	text := regexp.MustCompile(`(?m)^`+list+` = \[.*\]\n`).ReplaceAllString(string(data), "")
	if len(packages) > 0 {
		if !strings.Contains(text, header) {
			text += header
		}
		text = strings.Replace(text, header, header+list+` = ["`+strings.Join(packages, `", "`)+"\"]\n", 1)
	}
	text = regexp.MustCompile(`\n\[apt\]\n(\n|$)`).ReplaceAllString(text, "$1")
	write(t, dir, "Pyfile", text)
}

func TestNeedsNameEveryListOfTheExamples(t *testing.T) {
	for name := range examples(t) {
		for _, list := range []string{"run", "build"} {
			has := len(listed(t, filepath.Join("..", "examples", name), list)) > 0
			tried := slices.ContainsFunc(needs, func(n need) bool { return n.example == name && n.list == list })
			if has != tried {
				t.Errorf("%s: [apt] %s is there: %t; a package of it is in needs: %t", name, list, has, tried)
			}
		}
	}
}

// proposal is the line that a report says to add.
var proposal = regexp.MustCompile(`hint: .*\b(run|build) = \["([^\]]*)"\]`)

// TestMissingPackageIsNamedAndTheProposedLineHelps takes one package at a time out of an example, and does what the report says.
func TestMissingPackageIsNamedAndTheProposedLineHelps(t *testing.T) {
	all := examples(t)
	for _, n := range needs {
		t.Run(n.example+"/"+n.pkg, func(t *testing.T) {
			t.Parallel()
			slots <- struct{}{}
			defer func() { <-slots }()
			dir, image := example(t, n.example), registryHost+"/test/mended-"+n.example+":"+n.list
			packages := listed(t, dir, n.list)
			less := slices.DeleteFunc(slices.Clone(packages), func(p string) bool { return p == n.pkg })
			if len(less) != len(packages)-1 {
				t.Fatalf("[apt] %s of %s is %v, without %s", n.list, n.example, packages, n.pkg)
			}
			relist(t, dir, n.list, less)
			out, err := labDaemon().build(t, dir)
			if err == nil {
				t.Fatalf("the build succeeds without %s:\n%s", n.pkg, out)
			}
			got := report(out)
			wellWorded(t, got)
			if !regexp.MustCompile(n.report).MatchString(got) {
				t.Errorf("no line has %s:\n%s", n.report, got)
			}
			found := proposal.FindStringSubmatch(got)
			if found == nil {
				t.Fatalf("no line for [apt] is proposed:\n%s", got)
			}
			t.Logf("without %s: %s", n.pkg, got[strings.LastIndex(got, "error: "):])
			if found[1] != n.list {
				t.Errorf("proposed for %s, not for %s:\n%s", found[1], n.list, got)
			}
			relist(t, dir, found[1], append(less, strings.Split(found[2], `", "`)...))
			labDaemon().push(t, dir, image)
			must(t, dir, "docker", "pull", "-q", image)
			behaves(t, image, all[n.example])
		})
	}
}

// TestBuildThatWantsTheNetworkIsToldHowToGetIt has crates to fetch.
func TestBuildThatWantsTheNetworkIsToldHowToGetIt(t *testing.T) {
	t.Parallel()
	dir, image := example(t, "rust"), registryHost+"/test/networked:1"
	const allowed = "[dependencies]\nallow-network = [\"wordcount\"]\n"
	replace(t, dir, "Pyfile", allowed, "")
	out, err := labDaemon().build(t, dir)
	if err == nil {
		t.Fatalf("the build succeeds without a network:\n%s", out)
	}
	got := report(out)
	wellWorded(t, got)
	matchLines(t, got, ".*wordcount cannot be built without the network.*\n\\s*hint: add to \\[dependencies\\]: allow-network = \\[\"wordcount\"\\]\n")
	replace(t, dir, "Pyfile", "[apt]\n", allowed+"\n[apt]\n")
	labDaemon().push(t, dir, image)
}
