package lock

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/index"
)

// answer reads the part "found" of a fixture: what the index says to the lock's query. It is an index.Answer as JSON, or lines
//
//   - every file that the lock lists by name is at https://files.example/
//     idna idna-3.7.tar.gz ...    of idna these files are there, with the hash HASH(idna-3.7.tar.gz)
//     idna !text                  of idna nothing is there, and the index says why
func answer(t *testing.T, text string, query []index.Package) *index.Answer {
	t.Helper()
	a := &index.Answer{}
	if strings.HasPrefix(text, "{") {
		if err := json.Unmarshal(expandHashes(text), a); err != nil {
			t.Fatalf("the part found: %v", err)
		}
		return a
	}
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), " ")
		if name == "*" {
			a.Packages = append(a.Packages, listedFiles(query).Packages...)
			continue
		}
		found := index.Found{Name: name, Asked: []string{"https://index.example/simple/"}}
		if problem, ok := strings.CutPrefix(rest, "!"); ok {
			found.Problem = problem
		} else {
			for _, file := range strings.Fields(rest) {
				sum := sha256.Sum256([]byte(file))
				found.Files = append(found.Files, index.File{Name: file, URL: "https://files.example/" + file, SHA256: hex.EncodeToString(sum[:])})
			}
		}
		a.Packages = slices.DeleteFunc(a.Packages, func(f index.Found) bool { return f.Name == name })
		a.Packages = append(a.Packages, found)
	}
	return a
}

// listedFiles is the answer of an index that has every file of a query that names it.
func listedFiles(query []index.Package) *index.Answer {
	a := &index.Answer{}
	for _, p := range query {
		found := index.Found{Name: p.Name, Asked: p.Indexes}
		if len(p.Indexes) == 0 {
			found.Asked = []string{"https://index.example/simple/"}
		}
		for _, f := range p.Files {
			if f.Name != "" {
				found.Files = append(found.Files, index.File{Name: f.Name, URL: "https://files.example/" + f.Name, SHA256: f.SHA256})
			}
		}
		a.Packages = append(a.Packages, found)
	}
	return a
}

// describeQuery writes what a lock wants to know of an index, and the directories that it builds from.
func describeQuery(l *Lock) string {
	var out strings.Builder
	for _, p := range l.Query() {
		fmt.Fprintln(&out, strings.Join(append([]string{p.Name}, p.Indexes...), " "))
		for _, f := range p.Files {
			fmt.Fprintf(&out, "\t%s %s\n", f.SHA256[:min(8, len(f.SHA256))], f.Name)
		}
	}
	for _, d := range l.Directories(nil) {
		fmt.Fprintf(&out, "directory %s\n", d)
	}
	return out.String()
}
