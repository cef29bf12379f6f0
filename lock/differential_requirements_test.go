//go:build differential

package lock

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/python"
)

// These tests compare the reading of requirements files with pip's own parser, and the selection with what pip would install.

const (
	pipRelease      = "26.3"
	pipToolsRelease = "7.6.2"
)

// pipVenv makes a virtual environment with a pip of its own in the user's cache and returns its bin directory.
func pipVenv(t *testing.T, name string, packages ...string) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(cache, "pyfile", name)
	bin := filepath.Join(dir, "bin")
	if _, err := os.Stat(filepath.Join(dir, "complete")); err == nil {
		return bin
	}
	run(t, ".", "", "python3", "-m", "venv", "--clear", dir)
	run(t, ".", "", filepath.Join(bin, "python"), append([]string{"-m", "pip", "install", "--quiet"}, packages...)...)
	write(t, filepath.Join(dir, "complete"), "")
	return bin
}

func pipTools(t *testing.T) string {
	return pipVenv(t, "pip-"+pipRelease, "pip=="+pipRelease, "pip-tools=="+pipToolsRelease)
}

// parseCase is a set of files.
type parseCase struct {
	names []string
	files map[string]string
}

// parsed is what pip or the reader makes of a set.
type parsed struct {
	Error        string
	Requirements []parsedRequirement
	Options      parsedOptions
}

type parsedRequirement struct {
	Name, Specifiers, Link, Subdirectory, Egg string
	Extras                                    []string
	Markers                                   []bool
	Hashes                                    map[string][]string
	Editable, Constraint, Mode                bool
	Settings                                  map[string][]string
}

type parsedOptions struct {
	Indexes         []string
	NoIndex         bool     `json:"no_index"`
	FindLinks       int      `json:"find_links"`
	NoBinary        []string `json:"no_binary"`
	OnlyBinary      []string `json:"only_binary"`
	RequireHashes   bool     `json:"require_hashes"`
	NoRequireHashes bool     `json:"no_require_hashes"`
}

// stricter are the refusals of what pip takes, and why.
var stricter = map[string]string{
	"is not set: a build":                  "pip leaves an unknown variable as it is; a build has none of the user's",
	"where pip does not read it":           "pip ignores the word without a word",
	"has no requirement before it":         "pip ignores the option, with a warning for --hash",
	"pip reads only":                       "pip ignores the others without a word",
	"pip does not read what stands behind": "pip ignores it without a word",
	"pip passes over it":                   "pip ignores the option without a word",
	"outside of the build context":         "BuildKit does not send it",
	"not an address":                       "what it names is not of the context",
	"is not a name, want":                  "pip takes names that the core metadata forbid",
	"pip knows no option -- in":            "pip ignores it without a word",
	"user name or password":                "it would be in the image's provenance",
	"user name, password or token":         "it would be in the image's provenance",
	"only a file has a hash":               "pip sees it when it installs",
	"must be 64 hex digits":                "pip sees it when it has downloaded the file",
	"must be an address that starts with":  "pip sees it when it asks the index",
	"the address must start with":          "pip sees it when it downloads the file",
	"must be like git+https":               "pip sees it when it clones",
	"has neither pyproject.toml":           "pip sees it when it builds, or the directory is not there",
	"leads out of the source":              "pip sees it when it builds",
	"the file is not named like a wheel":   "pip sees it when it installs",
}

// parseLines are the lines that are each read as a file of their own, in every form of suffixes.
var parseLines = []string{
	"idna", "idna==3.7", "Idna == 3.7", "idna>=3,<4", "idna!=3.*", "idna~=3.1", "idna===3.7", "idna (>=3)", "idna[a]", "idna[a,B_c] >= 3",
	"idna==3.7+local.1", "idna==1!3.7", "idna ==3.7,==3.7", "zope.interface==5", "a", "A-_.b",
	"idna @ https://files.example/idna-3.7-py3-none-any.whl", "idna@https://files.example/idna-3.7.tar.gz",
	"idna[x] @ https://files.example/a.zip#subdirectory=b&egg=idna", "https://files.example/idna-3.7-py3-none-any.whl",
	"https://files.example/idna-3.7.tar.gz#egg=idna", "http://files.example/x/archive/main.zip#egg=X_y&subdirectory=p/q",
	"git+https://git.example/x.git@main#egg=x", "git+ssh://git@git.example/x/y@v1.0#egg=y&subdirectory=z", "x @ git+https://git.example/x@0123",
	"hg+https://hg.example/x@tip#egg=x", "./lib", "./lib/", "lib/", ".", "./lib[a]", "./lib[a,b]", "file:./lib#egg=lib", "lib @ file:./lib",
	"./wheels/local-1.0-py3-none-any.whl", "wheels/local-1.0.tar.gz", "local-2.0.zip",
	"-e ./lib", "-e lib", "--editable=./lib", "-e.", "-e ./lib[a]", "-e git+https://git.example/x.git@main#egg=x", "-e 'lib @ file:./lib'",
	"-e \"x @ git+https://git.example/x@1 ; python_version > '3'\"", "-e git://git.example/x#egg=x",
}

var parseSuffixes = []string{
	"", "  # comment", "\t", " ; python_version >= '3.12'", "; sys_platform == 'win32' or (os_name == 'posix' and python_version < \"3\")",
	" " + "--hash=sha256:" + strings.Repeat("a", 64), " --hash sha256:" + strings.Repeat("B", 64) + " --hash=sha512:00 \\\n  --hash=\"sha384:11\"",
	" ; platform_machine not in 'arm64, x86_64' --hash=sha256:" + strings.Repeat("0", 64), " --config-settings a=b -Ca=c --config-setting 'x= y'",
	" \\\n", " --index-url https://index.example/simple", " ;", ";  # c", " ; bananas", " -r other.txt",
}

// parseFiles are whole files.
var parseFiles = []string{
	"", "#", "\\", "\n\n", "\xef\xbb\xbfidna", "# coding: latin-1\n# \xe9\nidna", "# coding: nonsense\nidna", "\xff\xfei\x00d\x00n\x00a\x00", "idna\x0csix\x1cattrs\u2028b\u0085c",
	"idna\r\nsix\r", "idna \\\n==3.7", "idna\\\n==3.7 # c\nsix", "idna==\\\n# c\nsix", "idna # \\\nsix", "idna==3.7 \\ \nsix", "idna\\\\\n==3.7", "\\idna",
	"-r other.txt", "-rother.txt", "--requirement other.txt", "--requirement=other.txt", "--requir other.txt", "-c other.txt", "-cother.txt", "--constraint=limits.txt\nidna", "-c limits.txt -r other.txt",
	"-r other.txt other.txt", "-r absent.txt", "-c absent.txt", "-r sub/deep.txt", "-r ./sub/../other.txt", "-r 'other.txt'", "-r \"other.txt\" # c", "-r other.txt\n-r other.txt", "-r circle.txt", "-r requirements.txt", "-c extras.txt", "-c unnamed.txt", "-c editable.txt",
	"-r https://files.example/requirements.txt", "-i https://index.example/simple", "--index-url=https://index.example/simple\nidna", "--pypi-url https://index.example/", "-ihttps://index.example/simple\n--extra-index-url https://extra.example/simple",
	"--extra-index-url https://a.example/simple\n--extra-index-url=https://b.example/simple\n-i https://c.example/simple", "--no-index", "--no-index\n-i https://index.example/simple", "-i https://index.example/simple\n--no-index\n--extra-index-url https://a.example/s",
	"-f wheels", "--find-links=wheels", "-f https://files.example/links.html", "-f file:wheels", "--no-binary :all:", "--no-binary=:none:", "--only-binary=:all: --no-binary Idna,Six_x", "--no-binary a,b\n--only-binary b,c\n--no-binary :all:\n--only-binary d",
	"--no-binary :all:,:none:,a", "--only-binary -x", "--no-binary", "--prefer-binary", "--pre", "--require-hashes", "--no-require-hashes", "--require-hashes\n--no-require-hashes", "--trusted-host index.example", "--use-feature fast-deps", "--use-feature=fast-deps --pre",
	"--all-releases :all:", "--only-final idna", "--hash=sha256:00", "--config-settings a=b", "--no-such", "--no-", "--index https://index.example/", "--no-index=1", "-x", "-", "--", "-r", "-e", "-i", "--hash", "idna --hash", "idna --hash=", "idna --hash=md5:00",
	"idna --hash=sha256", "idna --no-such", "idna --global-option=x", "idna --install-option x", "idna --no-index", "idna --pre --hash=sha256:" + strings.Repeat("a", 64), "idna -e ./lib", "-e ./lib -e ./lib", "-e ./lib idna", "-e ./lib ; python_version > '3'", "-e ./lib --hash=sha256:" + strings.Repeat("a", 64),
	"-e ./nolib", "-e idna", "-e https://files.example/x.tar.gz", "-e git+https://git.example/x", "-e", "idna \"", "-i \"https://index.example", "-f 'a b'", "-f a\\ b", "idna --hash='sha256:" + strings.Repeat("a", 64) + "'", "idna six", "idna=3.7", "idna==", "idna=>3", "idna<>3", "idna==3.7;", "==3.7",
	"idna[", "idna[]", "idna[a", "idna[a,]", "[a]", "idna[a]b", "-idna", "_idna", "idna_", "idna-", "id na", "idna;os_name=='posix'", "idna ; os_name", "idna ; os_name == posix", "idna ; os_name == 'posix' extra", "idna ; extra == 'x'", "idna ; 'a' in extras", "idna ; python_version in '3.1'",
	"idna ; python_version == '3.*'", "idna ; (python_version > '3'", "idna @", "idna @ ", "@ https://files.example/x", "idna @ somewhere", "idna @ ./lib", "idna @ https://files.example/x ; os_name == 'posix'", "idna @ https://files.example/x; os_name == 'posix'", "idna @ https://files.example/x;y",
	"https://files.example/x;y#egg=x", "https://files.example/x#egg=x ; os_name == 'posix'", "https://files.example/x#egg=x[a]", "https://files.example/x#egg=", "https://files.example/x.whl", "https://files.example/x-1-py3-none-any.whl", "https://user:pw@files.example/x-1-py3-none-any.whl",
	"git+git@git.example:x/y.git", "git+https://git.example/x", "git+file:./lib", "ftp://files.example/x-1.tar.gz", "foo://files.example/x", "./nolib", "../outside", "/abs", "~/lib", "./lib[a b]", "lib", "lib\\x", "requirements.txt", "wheels/none-1.0-py3-none-any.whl", "wheels/bad.whl", "x.whl",
	"${TOKEN}", "idna==${VERSION}", "$TOKEN", "${lower}", "${}", "idna # ${TOKEN}", "-i https://${TOKEN}@index.example/simple", "idna==3.7 ; python_version >= '3.7' and (python_version < '4' or python_version == '5.*') --hash=sha256:" + strings.Repeat("a", 64) + " # via x",
	"idna==3.7 \\\n    --hash=sha256:" + strings.Repeat("a", 64) + " \\\n    --hash=sha256:" + strings.Repeat("b", 64) + "\n    # via\n    #   a\nsix==1.16.0 \\\n    --hash=sha256:" + strings.Repeat("c", 64),
	"idna\t--hash=sha256:" + strings.Repeat("a", 64), "idna  --hash=sha256:" + strings.Repeat("a", 64), "idna --hash=sha256:" + strings.Repeat("a", 64) + " six", "idna #c --hash=x", "idna#c", "idna==3.7#c", " idna ", "\u00a0idna\u00a0", "idna\u00a0# c", "é", "idna ; python_version > '3' # é",
}

func parseCases() []parseCase {
	files := map[string]string{
		"other.txt": "six\n", "limits.txt": "idna<4\n", "extras.txt": "idna[x]<4\n", "unnamed.txt": "./lib\n", "editable.txt": "-e ./lib\n",
		"circle.txt": "-r sub/circle.txt\n", "sub/circle.txt": "-c ../circle.txt\n", "sub/deep.txt": "-r ../other.txt\n-c deeper.txt\n-f links\nattrs\n", "sub/deeper.txt": "attrs>1\n-r ../limits.txt\n",
		"lib/pyproject.toml": "[project]\nname = \"lib\"\nversion = \"1\"\n", "pyproject.toml": "[project]\nname = \"app\"\nversion = \"1\"\n",
		"wheels/local-1.0-py3-none-any.whl": "", "wheels/local-1.0.tar.gz": "", "local-2.0.zip": "", "wheels/bad.whl": "",
	}
	var out []parseCase
	add := func(text string) {
		all := map[string]string{"requirements.txt": text}
		for name, data := range files {
			all[name] = data
		}
		out = append(out, parseCase{[]string{"requirements.txt"}, all})
	}
	for _, line := range parseLines {
		for _, suffix := range parseSuffixes {
			add(line + suffix)
		}
	}
	for _, text := range parseFiles {
		add(text)
		add("attrs\n" + text + "\niniconfig")
	}
	return out
}

// environments are those that markers are evaluated in.
func markerEnvironments() []python.Environment {
	var out []python.Environment
	for _, t := range targets[:5] {
		out = append(out, t.Environment())
	}
	return out
}

// TestRequirementsAreReadAsPipReadsThem reads hundreds of files with pip's parser and ours: both take the same ones, but for
// what stricter lists, and read the same out of them.
func TestRequirementsAreReadAsPipReadsThem(t *testing.T) {
	bin := pipTools(t)
	cases := parseCases()
	var input []map[string]any
	for _, c := range cases {
		files := map[string]string{}
		for name, text := range c.files {
			files[name] = base64.StdEncoding.EncodeToString([]byte(text))
		}
		input = append(input, map[string]any{"files": files, "names": c.names})
	}
	data, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	var environments []map[string]string
	for _, e := range markerEnvironments() {
		environments = append(environments, map[string]string{"os_name": e.OSName, "sys_platform": e.SysPlatform, "platform_machine": e.PlatformMachine,
			"python_version": e.PythonVersion, "python_full_version": e.PythonFullVersion, "platform_system": e.PlatformSystem})
	}
	envs, err := json.Marshal(environments)
	if err != nil {
		t.Fatal(err)
	}
	script, err := filepath.Abs(filepath.Join("testdata", "pip_parse.py"))
	if err != nil {
		t.Fatal(err)
	}
	var answers []parsed
	if err := json.Unmarshal([]byte(run(t, ".", string(data), filepath.Join(bin, "python"), script, string(envs))), &answers); err != nil {
		t.Fatal(err)
	}
	taken, refused, known := 0, 0, map[string]int{}
	for i, c := range cases {
		pip, ours := answers[i], ourParse(c)
		text := c.files["requirements.txt"]
		switch {
		case pip.Error != "" && ours.Error != "":
			refused++
		case pip.Error != "":
			t.Errorf("%q: pip says %s, we read %+v", text, firstLineOf(pip.Error), ours.Requirements)
		case ours.Error != "":
			reason := ""
			for text := range stricter {
				if strings.Contains(ours.Error, text) {
					reason = text
				}
			}
			if reason == "" {
				t.Errorf("%q: pip takes it, we say %s", text, ours.Error)
			}
			known[reason]++
		default:
			taken++
			if diff := sameParse(pip, ours); diff != "" {
				t.Errorf("%q: %s", text, diff)
			}
		}
	}
	t.Logf("%d files: %d read alike, %d refused by both, %d refused by us alone", len(cases), taken, refused, len(cases)-taken-refused)
	for reason, n := range known {
		t.Logf("%d: %s (%s)", n, reason, stricter[reason])
	}
}

func firstLineOf(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// ourParse reads a set and describes it as pip_parse.py does.
func ourParse(c parseCase) parsed {
	files := map[string][]byte{}
	for name, text := range c.files {
		files[name] = []byte(text)
	}
	for range 5 {
		for _, name := range Needs(c.names, files) {
			files[name] = nil
		}
	}
	r := newRequirementsReader(files)
	for _, name := range c.names {
		r.root(name)
	}
	if len(r.errs) > 0 {
		return parsed{Error: r.errs.Error()}
	}
	s := r.set
	out := parsed{Options: parsedOptions{Indexes: s.indexes, NoIndex: r.noIndex != nil, FindLinks: len(s.findLinks),
		NoBinary: sortedKeys(s.formats.noBinary), OnlyBinary: sortedKeys(s.formats.onlyBinary), RequireHashes: r.require != nil, NoRequireHashes: r.noRequire}}
	for _, q := range s.order {
		p := parsedRequirement{Name: q.name, Specifiers: q.spec.String(), Constraint: q.constraint, Extras: q.extras, Hashes: map[string][]string{}, Settings: map[string][]string{}, Subdirectory: q.subdir}
		for _, e := range markerEnvironments() {
			ok, err := q.marker.Eval(e)
			p.Markers = append(p.Markers, ok && err == nil)
		}
		for _, h := range q.hashes {
			p.Hashes[h.algorithm] = append(p.Hashes[h.algorithm], strings.ToLower(h.digest))
			p.Mode = p.Mode || !h.fragment
		}
		switch {
		case q.kind == Directory:
			p.Link = "file:./" + q.dir
			if q.dir == "." {
				p.Link = "file:."
			}
		case q.link.path != "":
			p.Link = "file:./" + q.link.path
		case q.kind == Git:
			p.Link = q.git.url
			if q.git.commit != "" {
				p.Link += "@" + q.git.commit
			}
		default:
			p.Link = q.link.url
		}
		for _, settings := range s.settings {
			if settings.Name.Range == q.doc.span(q.at) {
				for _, setting := range settings.Settings {
					p.Settings[setting.Key.Value] = setting.Values.Values()
				}
			}
		}
		out.Requirements = append(out.Requirements, p)
	}
	return out
}

func sortedKeys(m map[string]bool) []string {
	out := []string{}
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

// sameParse compares; "" means that all is the same.
func sameParse(pip, ours parsed) string {
	o := pip.Options
	for i, address := range o.Indexes {
		if address == "default" {
			o.Indexes[i] = ""
		}
	}
	if len(o.Indexes) == 0 {
		o.Indexes = nil
	}
	if fmt.Sprint(o) != fmt.Sprint(ours.Options) {
		return fmt.Sprintf("options\n pip %+v\nours %+v", o, ours.Options)
	}
	// A file that is included twice is read once.
	want := slices.CompactFunc(pip.Requirements, func(a, b parsedRequirement) bool { return reflect.DeepEqual(a, b) })
	if len(want) != len(ours.Requirements) {
		return fmt.Sprintf("%d requirements, pip has %d", len(ours.Requirements), len(want))
	}
	for i := range want {
		a, b := want[i], ours.Requirements[i]
		if a.Name != "" { // else pip builds it to find out
			a.Name = python.NormalizeName(a.Name)
		} else {
			a.Name = b.Name
		}
		// The fragment of a URL names the package, and a wheel or an sdist does so by its file name.
		if a.Link != "" && a.Specifiers != "" {
			a.Specifiers = b.Specifiers
		}
		a.Specifiers, b.Specifiers = canonicalSpecifier(a.Specifiers), canonicalSpecifier(b.Specifiers)
		a.Link = strings.TrimSuffix(strings.TrimPrefix(a.Link, "git+"), "/")
		a.Link = strings.Replace(strings.TrimPrefix(a.Link, "hg+"), "file:///./", "file:./", 1)
		b.Editable, b.Egg, a.Egg = a.Editable, "", ""
		a.Extras, b.Extras = normalized(a.Extras), normalized(b.Extras)
		for _, digests := range b.Hashes {
			slices.Sort(digests)
		}
		if !reflect.DeepEqual(a, b) {
			return fmt.Sprintf("requirement %d\n pip %+v\nours %+v", i, a, b)
		}
	}
	return ""
}

func normalized(names []string) []string {
	out := []string{}
	for _, n := range names {
		out = append(out, python.NormalizeName(n))
	}
	slices.Sort(out)
	return out
}
