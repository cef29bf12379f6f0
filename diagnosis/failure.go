package diagnosis

import (
	"encoding/json"
	"fmt"
)

// Failure is why a program that runs inside a build failed, as it writes it to the file that its --failure flag names. The frontend reads
// the file after the step has failed and makes it the error at the line of the user's file.
type Failure struct {
	Message  string    `json:"message"` // one line, without a full stop
	Hint     string    `json:"hint,omitempty"`
	Kind     Kind      `json:"kind,omitempty"`
	Wants    []string  `json:"wants,omitempty"`    // what is missing: see Diagnosis.Wants
	Packages []Package `json:"packages,omitempty"` // of the distribution, that the step asked for and that do not exist
}

// Package is the name of a package that does not exist, with names that do exist and look like it, the nearest first.
type Package struct {
	Name   string   `json:"name"`
	Reason string   `json:"reason,omitempty"` // a whole sentence
	Near   []string `json:"near,omitempty"`
}

// Bounds of a failure, in bytes of a text and in items of a list. What is longer was not written by a program of ours.
const (
	longestMessage = 400
	longestHint    = 800
	longestName    = 200
	mostItems      = 64
)

// Marshal writes the file.
func (f Failure) Marshal() []byte {
	data, err := json.MarshalIndent(f.clean(), "", "  ")
	if err != nil {
		panic(err) // strings marshal always
	}
	return append(data, '\n')
}

// ParseFailure reads the file. The build of a package runs code of its own and may have written it, so what comes back is bounded and holds
// no control characters and no credentials, whatever the file says.
func ParseFailure(data []byte) (*Failure, error) {
	var f Failure
	if err := json.Unmarshal(data, &f); err != nil {
		return nil, fmt.Errorf("the failure of a step: %w", err)
	}
	f = f.clean()
	if f.Message == "" {
		return nil, fmt.Errorf("the failure of a step has no message")
	}
	return &f, nil
}

func (f Failure) clean() Failure {
	f.Message, f.Hint, f.Kind = line(f.Message, longestMessage), line(f.Hint, longestHint), Kind(line(string(f.Kind), longestName))
	f.Wants = names(f.Wants)
	f.Packages = f.Packages[:min(len(f.Packages), mostItems):min(len(f.Packages), mostItems)]
	packages := make([]Package, 0, len(f.Packages))
	for _, p := range f.Packages {
		packages = append(packages, Package{Name: line(p.Name, longestName), Reason: line(p.Reason, longestMessage), Near: names(p.Near)})
	}
	if f.Packages = packages; len(packages) == 0 {
		f.Packages = nil
	}
	return f
}

// names cleans a list of names.
func names(list []string) []string {
	var out []string
	for _, name := range list[:min(len(list), mostItems)] {
		out = append(out, line(name, longestName))
	}
	return out
}
