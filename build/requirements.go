package build

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/org/pyfile/python"
)

// FormatRequirements writes a requirements file: a requirement on each line, sorted, each once. Spellings of the same requirement are
// one, so that the same requirements are the same bytes, by which a cache knows them.
func FormatRequirements(requirements []string) []byte {
	lines := make([]string, 0, len(requirements))
	for _, r := range requirements {
		lines = append(lines, spelled(r))
	}
	slices.Sort(lines)
	var b bytes.Buffer
	for _, line := range slices.Compact(lines) {
		b.WriteString(line + "\n")
	}
	return b.Bytes()
}

// spelled is the usual spelling of a requirement. What is no requirement stays, on one line: pip says what is wrong with it.
func spelled(requirement string) string {
	text := strings.Join(strings.Fields(requirement), " ")
	r, err := python.ParseRequirement(text)
	if err != nil {
		return text
	}
	r.Name = python.NormalizeName(r.Name)
	slices.Sort(r.Extras)
	parts := strings.Split(r.Specifiers.String(), ",")
	slices.Sort(parts)
	if sorted, err := python.ParseSpecifiers(strings.Join(parts, ",")); err == nil {
		r.Specifiers = sorted
	}
	return r.String()
}

// shown is a requirement as messages show it. An address may hold a password.
func shown(requirement string) string {
	if r, err := python.ParseRequirement(requirement); err == nil && r.URL != "" {
		return r.Name
	}
	return login.ReplaceAllString(requirement, "://****@")
}

// readRequirements reads a file as FormatRequirements writes it. Blank lines and comments are left out; the options that pip knows in
// such files are refused, as they could name another index.
func readRequirements(name string) ([]string, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	var out []string
	for i, line := range strings.Split(string(data), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if _, err := python.ParseRequirement(line); err != nil {
			return nil, fmt.Errorf("%s:%d: a requirement must have the form name>=1.0, not %q", filepath.Base(name), i+1, shown(line))
		}
		out = append(out, line)
	}
	return out, nil
}
