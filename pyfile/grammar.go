package pyfile

import (
	"net/url"
	"path"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// grammar is what a string must look like. The pattern stands in the JSON schema too, so it may be wider than the truth;
// flaw knows the rest.
type grammar struct {
	pattern string // of the whole string
	whole   *regexp.Regexp
	must    string // completes "python must ..."
	mute    bool   // the value is never repeated: it may hold a password
	// flaw finds what is wrong with a value. It is asked first, so that it can name the mistake and write the right form.
	flaw func(value string) *flaw
}

// flaw is what is wrong with a value.
type flaw struct {
	must string // completes "python must ..."; empty means the grammar's own
	fix  string // the value to write instead; empty when that is not certain
	hint string // what else to do
}

func newGrammar(must, pattern string, f func(string) *flaw) *grammar {
	g := &grammar{pattern: pattern, must: must, flaw: f}
	g.whole = regexp.MustCompile(g.anchored())
	return g
}

// anchored is the pattern for tools that search within a string.
func (g *grammar) anchored() string { return "^(?:" + g.pattern + ")$" }

func (g *grammar) muted() *grammar {
	g.mute = true
	return g
}

// check returns nil for a right value.
func (g *grammar) check(value string) *flaw {
	var f *flaw
	if g.flaw != nil {
		f = g.flaw(value)
	}
	if f == nil && !g.whole.MatchString(value) {
		f = &flaw{}
	}
	if f == nil {
		return nil
	}
	if f.must == "" {
		f.must = g.must
	}
	if f.fix != "" && (!g.whole.MatchString(f.fix) || g.flaw(f.fix) != nil) {
		f.fix = "" // one mistake was mended, and there is another
	}
	return f
}

var (
	// One argument may be empty, but a command that begins with nothing is a mistake: see decoder.list.
	argument = newGrammar("be a string", `[\s\S]*`, nil)

	pythonVersion  = newGrammar(`be a version such as "3.13" or "3.13.5"`, versionPattern, pythonFlaw)
	imageReference = newGrammar(`be an image such as "python:3.13-slim"`, `\S+`, imageFlaw)

	absolutePath = newGrammar("be an absolute path", `/[\s\S]*`, absoluteFlaw)
	volumePath   = newGrammar("be an absolute path", `/[\s\S]+`, func(v string) *flaw {
		if path.Clean(v) == "/" {
			return &flaw{must: "not be the root directory"}
		}
		return absoluteFlaw(v)
	})
	filePath  = newGrammar("be a path relative to the build context", `[^/\\][^\\]*`, relativeFlaw)
	directory = newGrammar("be a path relative to the build context", `[^/\\][^\\]*`, relativeFlaw)
	glob      = newGrammar("be a pattern relative to the build context", `[^/!\\][^\\]*`, globFlaw)

	userName = newGrammar(`be a name or a number, such as "nonroot" or "1000:1000"`,
		`(?:[A-Za-z_][A-Za-z0-9._-]*\$?|[0-9]+)(?::(?:[A-Za-z_][A-Za-z0-9._-]*\$?|[0-9]+))?`, userFlaw)
	signal   = newGrammar(`be a signal such as "SIGTERM" or "15"`, `(?:SIG)?[A-Z][A-Z0-9]*(?:[+-][0-9]+)?|[0-9]+`, signalFlaw)
	duration = newGrammar(`be a duration such as "30s" or "1m30s"`, `(?:[0-9]+(?:\.[0-9]*)?(?:ns|us|µs|μs|ms|s|m|h))+`, durationFlaw)
	port     = newGrammar("be a port from 1 to 65535, with /tcp, /udp or /sctp if need be", `[0-9]{1,5}(?:/(?:tcp|udp|sctp))?`, portFlaw)
	size     = newGrammar(`be a size such as "4MB" or "512KiB", or "0"`, `0|[0-9]{1,15}(?:B|kB|MB|GB|KiB|MiB|GiB)`, sizeFlaw)
	indexURL = newGrammar("be an address that begins with https:// or http://", `https?://[^\s]+`, urlFlaw).muted()

	// Names of distributions, of extras (core metadata 2.1) and of dependency groups (PEP 735).
	packageName = newGrammar("be the name of a package", `[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?`, packageFlaw)
	groupName   = newGrammar("be a name of letters, digits, and - _ . inside", `[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?`, nil)
	// Debian policy 5.6.1, with the architecture and the version that apt-get takes behind it, and Alpine's names and versions, which
	// have underscores too. A hyphen at the end would tell apt-get to remove the package.
	systemPackage = newGrammar("be the name of a Debian or Alpine package", `[a-z0-9][a-z0-9+._-]*[a-z0-9+.](?::[a-z0-9-]+)?(?:=[A-Za-z0-9.+:~_-]+)?`, nil)
	ignored       = newGrammar("be the name of a shared library or package, or a path", `[^\\\s](?:[^\\]*[^\\\s])?`, ignoredFlaw)
	entryName     = newGrammar("be a name of letters, digits, and - _ . inside", `[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?`, nil)
	secretID      = newGrammar("be the id of a build secret: letters, digits, and - _ . /", `[A-Za-z0-9_][A-Za-z0-9_./-]*`, nil)
	loginName     = newGrammar("be a user name without a colon", `[^:\s]+`, nil)
	settingName   = newGrammar("not be empty", `[\s\S]+`, nil)
	variableName  = newGrammar("be a name of letters, digits, and _ . - that begins with a letter or _", `[A-Za-z_][A-Za-z0-9_.-]*`, nil)
	argName       = newGrammar("be a name of letters, digits and _ that begins with a letter or _", `[A-Za-z_][A-Za-z0-9_]*`, nil)
	labelName     = newGrammar("be a name without spaces, quotes and =", `[^\s"'=]+`, nil)
)

const (
	oldestPython       = 9  // 3.9
	oldestFreeThreaded = 13 // PEP 703

	versionPattern = `3\.(?:0|[1-9][0-9]{0,2})(?:\.(?:0|[1-9][0-9]{0,2}))?t?`
)

var versionOnly = regexp.MustCompile(`^(?:` + versionPattern + `)$`)

func isPython(v string) bool { return versionOnly.MatchString(v) && pythonFlaw(v) == nil }

func pythonFlaw(v string) *flaw {
	bare := strings.TrimPrefix(strings.TrimPrefix(strings.TrimSpace(v), "python"), ":")
	if bare != v && isPython(bare) {
		return &flaw{fix: bare}
	}
	if strings.ContainsAny(v, "<>=~!*^,") {
		return &flaw{must: `be one version such as "3.13", not a range`, hint: "a range belongs in requires-python of pyproject.toml"}
	}
	if version, variant, ok := strings.Cut(v, "-"); ok && isPython(version) {
		if variant == "slim" {
			return &flaw{fix: version}
		}
		return &flaw{hint: `write python = "` + version + `", and base = "python:` + v + `" for the image`}
	}
	if v == "3" {
		return &flaw{fix: "3.13"}
	}
	numbers := strings.Split(strings.TrimSuffix(v, "t"), ".")
	for i, n := range numbers {
		if len(n) == 0 || len(n) > 4 || strings.Trim(n, "0123456789") != "" || len(numbers) < 2 {
			return nil // what it is not, the pattern says
		}
		if n == "2" && i == 0 {
			return &flaw{must: "be 3.9 or newer"}
		}
	}
	minor, _ := strconv.Atoi(numbers[1])
	if numbers[0] != "3" || minor >= oldestFreeThreaded {
		return nil
	}
	if minor < oldestPython {
		return &flaw{must: "be 3.9 or newer"}
	}
	if strings.HasSuffix(v, "t") {
		return &flaw{must: "be 3.13 or newer to be free-threaded"}
	}
	return nil
}

func absoluteFlaw(v string) *flaw {
	switch {
	case v == "":
		return nil
	case strings.Contains(v, `\`):
		return &flaw{must: "use / between directories", fix: strings.ReplaceAll(v, `\`, "/")}
	case hasParent(v):
		return &flaw{must: "not contain .."}
	case !strings.HasPrefix(v, "/") && !strings.ContainsAny(v, "$~"):
		return &flaw{fix: path.Join("/", v)}
	}
	return nil
}

func relativeFlaw(v string) *flaw {
	switch {
	case strings.Contains(v, `\`):
		return &flaw{must: "use / between directories", fix: strings.ReplaceAll(v, `\`, "/")}
	case hasParent(v):
		return &flaw{must: "not contain ..", hint: "only files of the build context can be used"}
	case strings.HasPrefix(v, "/") && strings.Trim(v, "/") != "":
		return &flaw{fix: strings.TrimLeft(v, "/")}
	}
	return nil
}

func globFlaw(v string) *flaw {
	if rest, ok := strings.CutPrefix(v, "!"); ok {
		return &flaw{must: "not begin with !", hint: "write " + quote(rest) + " into the other list: include or exclude"}
	}
	if f := relativeFlaw(v); f != nil {
		return f
	}
	if _, err := path.Match(v, ""); err != nil {
		return &flaw{must: "be a pattern with every [ closed"}
	}
	return nil
}

// ignoredFlaw tells paths from names by their slash: neither sonames nor names of distributions have one.
func ignoredFlaw(v string) *flaw {
	if v == "" {
		return &flaw{must: "not be empty"}
	}
	if trimmed := strings.TrimSpace(v); trimmed != v {
		return &flaw{fix: trimmed}
	}
	isPath := strings.Contains(v, "/")
	switch {
	case strings.Contains(v, `\`):
		return &flaw{must: "use / between directories", fix: strings.ReplaceAll(v, `\`, "/")}
	case hasParent(v):
		return &flaw{must: "not contain .."}
	case isPath && !strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "**/"):
		return &flaw{must: "be a path that begins with / or **/", fix: "**/" + v}
	case !isPath && strings.ContainsAny(v, "<>=~;@( "):
		name := strings.TrimSpace(v[:strings.IndexAny(v, "<>=!~[;@( ")])
		return &flaw{must: "be a name only", fix: name}
	}
	if _, err := path.Match(v, ""); err != nil {
		return &flaw{must: "be a pattern with every [ closed"}
	}
	return nil
}

func hasParent(p string) bool {
	for part := range strings.SplitSeq(p, "/") {
		if part == ".." {
			return true
		}
	}
	return false
}

// userFlaw refuses numbers that container engines refuse.
func userFlaw(v string) *flaw {
	for part := range strings.SplitSeq(v, ":") {
		if strings.Trim(part, "0123456789") != "" || part == "" {
			continue
		}
		if _, err := strconv.ParseInt(part, 10, 32); err != nil {
			return &flaw{must: "have numbers from 0 to 2147483647"}
		}
	}
	return nil
}

// signals are those of Linux (signal(7)), without SIG.
var signals = strings.Fields(`ABRT ALRM BUS CHLD CLD CONT FPE HUP ILL INT IO IOT KILL PIPE POLL PROF PWR QUIT SEGV
	STKFLT STOP SYS TERM TRAP TSTP TTIN TTOU URG USR1 USR2 VTALRM WINCH XCPU XFSZ`)

var realTimeSignal = regexp.MustCompile(`^RTM(?:IN(?:\+(?:[1-9]|1[0-5]))?|AX(?:-(?:[1-9]|1[0-4]))?)$`)

func signalFlaw(v string) *flaw {
	if strings.Trim(v, "0123456789") == "" {
		if n, err := strconv.Atoi(v); err != nil || n < 1 || n > 64 {
			return &flaw{must: "be a signal such as \"SIGTERM\", or a number from 1 to 64"}
		}
		return nil
	}
	name := strings.TrimPrefix(v, "SIG")
	if realTimeSignal.MatchString(name) {
		return nil
	}
	for _, s := range signals {
		if s == name {
			return nil
		}
	}
	f := &flaw{}
	if near := Suggest(strings.TrimPrefix(strings.ToUpper(v), "SIG"), signals); near != "" {
		f.hint = "did you mean " + quote("SIG"+near) + "?"
	}
	return f
}

// durationFlaw asks for at least the millisecond that container engines ask for.
func durationFlaw(v string) *flaw {
	if v != "" && strings.Trim(v, "0123456789") == "" {
		return &flaw{fix: v + "s"}
	}
	d, err := time.ParseDuration(v)
	if err != nil {
		return &flaw{}
	}
	if d < time.Millisecond {
		return &flaw{must: "be at least 1ms"}
	}
	return nil
}

func portFlaw(v string) *flaw {
	if strings.Contains(v, ":") {
		return &flaw{hint: "expose names ports of the container only; docker run -p publishes them"}
	}
	number, protocol, _ := strings.Cut(v, "/")
	if strings.Contains(number, "-") {
		return &flaw{must: "be one port, not a range"}
	}
	if protocol != strings.ToLower(protocol) {
		return &flaw{fix: strings.ToLower(v)}
	}
	if strings.Trim(number, "0123456789") == "" {
		if n, err := strconv.Atoi(number); err != nil || n < 1 || n > 65535 {
			return &flaw{}
		}
	}
	if strings.HasPrefix(number, "0") {
		return &flaw{fix: strings.TrimLeft(v, "0")}
	}
	return nil
}

// units of sizes: decimal ones are SI, binary ones are IEC.
var units = []struct {
	name  string
	bytes int64
}{
	{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30},
	{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9},
	{"B", 1},
}

// parseSize returns the bytes of a size that its grammar took.
func parseSize(v string) (int64, bool) {
	unit := int64(1)
	for _, u := range units {
		if rest, ok := strings.CutSuffix(v, u.name); ok {
			v, unit = rest, u.bytes
			break
		}
	}
	n, err := strconv.ParseInt(v, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/unit {
		return 0, false
	}
	return n * unit, true
}

func sizeFlaw(v string) *flaw {
	number := strings.TrimRight(v, "kKmMgGiIbB ")
	if number == "" || strings.Trim(number, "0123456789") != "" {
		return nil
	}
	unit := strings.ToLower(strings.TrimSpace(v[len(number):]))
	for _, u := range units {
		if lower := strings.ToLower(u.name); unit == lower || unit == strings.TrimSuffix(lower, "b") && unit != "" {
			if right := number + u.name; right != v {
				return &flaw{fix: right}
			}
		}
	}
	if _, ok := parseSize(v); !ok {
		return &flaw{}
	}
	return nil
}

// urlFlaw never repeats the address: it may hold a password in a place that nobody thought of.
func urlFlaw(v string) *flaw {
	u, err := url.Parse(v)
	switch authority, _, _ := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(v, "https://"), "http://"), "/"); {
	case strings.Contains(authority, "@"), err == nil && u.User != nil:
		return &flaw{must: "not contain a user or password",
			hint: `write username = "NAME" and secret = "ID" beside it, and build with --secret id=ID`}
	case err != nil || u.Host == "" || u.Hostname() == "":
		return &flaw{}
	case u.RawQuery != "" || u.Fragment != "":
		return &flaw{must: "not contain ? or #"}
	case u.Scheme != "https" && u.Scheme != "http":
		return &flaw{}
	}
	return nil
}

func packageFlaw(v string) *flaw {
	name := strings.TrimSpace(v)
	if i := strings.IndexAny(name, "<>=!~[;@ ("); i > 0 {
		name = strings.TrimSpace(name[:i])
		return &flaw{must: "be a name only", fix: name}
	}
	return nil
}
