package distro

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/org/pyfile/authority"
)

// Failure says why packages could not be installed, in words for the author of a Pyfile. It is what is written to the file that
// InstallOptions names.
type Failure struct {
	Message  string    `json:"message"`            // without a capital at the start and a full stop
	Hint     string    `json:"hint,omitempty"`     // what to do or to type
	Packages []Unknown `json:"packages,omitempty"` // those that the distribution does not have, in the order they were asked for
}

// Unknown is a package that cannot be installed as it was asked for.
type Unknown struct {
	Name   string   `json:"name"`           // as it was asked for: "libpq", "libpq5=1.0"
	Reason string   `json:"reason"`         // `Debian GNU/Linux 13 (trixie) has no package "libpq"`
	Near   []string `json:"near,omitempty"` // what may have been meant, likeliest first, in the same form
}

// Error prints the message, then each package if there are several, then the hint on lines of their own.
func (f *Failure) Error() string {
	var b strings.Builder
	b.WriteString(f.Message)
	if len(f.Packages) > 1 {
		for _, u := range f.Packages {
			b.WriteString("\n\t" + u.String())
		}
	}
	if f.Hint != "" {
		b.WriteString("\n\thint: " + f.Hint)
	}
	return b.String()
}

// String is the reason with the question what was meant.
func (u Unknown) String() string {
	if len(u.Near) == 0 {
		return u.Reason
	}
	return u.Reason + ": did you mean " + alternatives(u.Near) + "?"
}

// suggest adds to each unknown package the names that may have been meant, of those that the distribution has.
func (f *Failure) suggest(known []string) {
	listed := make(map[string]bool, len(known))
	for _, name := range known {
		listed[name] = true
	}
	for i, u := range f.Packages {
		// A name that is known is right: it was another part that was not.
		if name, _, _ := splitPackage(u.Name); len(u.Near) == 0 && !listed[name] {
			f.Packages[i].Near = near(name, known)
		}
	}
	f.Message = fmt.Sprintf("%d packages cannot be installed", len(f.Packages))
	if len(f.Packages) == 1 {
		f.Message = f.Packages[0].String()
	}
}

// credentials are the user and the password of an address.
var credentials = regexp.MustCompile(`://[^/@\s]+@`)

// mostDetails is how many lines of a program's output a message repeats.
const mostDetails = 8

// withDetails adds lines of output to the message, each once.
func (f *Failure) withDetails(lines []string) *Failure {
	var seen []string
	for _, line := range lines {
		line = credentials.ReplaceAllString(line, "://")
		if line != "" && !slices.Contains(seen, line) && len(seen) < mostDetails {
			seen = append(seen, line)
			f.Message += "\n\t" + line
		}
	}
	return f
}

// proxyFlags are what to add to the command line for a proxy.
const proxyFlags = "--build-arg HTTP_PROXY=http://HOST:PORT --build-arg HTTPS_PROXY=http://HOST:PORT"

// explanation is what a line of a failed program's output means.
type explanation struct {
	marks         []string // one of them stands in the line
	message, hint string
}

// explain returns the first explanation of which a mark stands in the output, or nil.
func explain(lines []string, explanations []explanation) *Failure {
	for _, e := range explanations {
		for _, mark := range e.marks {
			if slices.ContainsFunc(lines, func(line string) bool { return strings.Contains(line, mark) }) {
				return &Failure{Message: e.message, Hint: e.hint}
			}
		}
	}
	return nil
}

// untrusted is the failure that the output of a package manager tells before any other: that it does not trust the host of the archive. ca is the
// file of InstallOptions.
func untrusted(lines []string, ca string) *Failure {
	i := slices.IndexFunc(lines, authority.Untrusted)
	if i < 0 {
		return nil
	}
	f := &Failure{Message: "the certificate of the package archive's host is not trusted", Hint: authority.Hint(ca)}
	return f.withDetails([]string{strings.TrimSpace(lines[i])})
}

// alternatives prints `"a"`, `"a" or "b"`, `"a", "b" or "c"`.
func alternatives(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = fmt.Sprintf("%q", name)
	}
	last := len(quoted) - 1
	if last == 0 {
		return quoted[0]
	}
	return strings.Join(quoted[:last], ", ") + " or " + quoted[last]
}

// write puts the failure into a file, as JSON.
func (f *Failure) write(file string) error {
	data, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	return os.WriteFile(file, append(data, '\n'), 0o644) //nolint:gosec // others read it
}
