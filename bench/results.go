package main

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// results is the file of all rounds.
type results struct {
	Machine string                      `json:"machine"`
	Images  map[string]map[string]image `json:"images"` // of the first state, by project and contender
	Runs    []measure                   `json:"runs"`
}

func readResults(file string) (*results, error) {
	out := &results{Images: map[string]map[string]image{}}
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	return out, json.Unmarshal(data, out)
}

func (r *results) has(project string, round int) bool {
	return slices.ContainsFunc(r.Runs, func(m measure) bool { return m.Project == project && m.Round == round })
}

func (r *results) add(project string, runs []measure, images map[string]image) {
	r.Runs = append(r.Runs, runs...)
	r.Images[project] = images
}

// replace puts measurements in the place of those that the results have of the same scenarios in that round.
func (r *results) replace(project string, round int, runs []measure) {
	r.Runs = slices.DeleteFunc(r.Runs, func(m measure) bool {
		return m.Project == project && m.Round == round && slices.ContainsFunc(runs, func(n measure) bool { return n.Scenario == m.Scenario })
	})
	r.Runs = append(r.Runs, runs...)
}

// write replaces the file: one line for each measurement.
func (r *results) write(file string) error {
	head, err := json.Marshal(r.Images)
	if err != nil {
		return err
	}
	machine, err := json.Marshal(r.Machine)
	if err != nil {
		return err
	}
	var out strings.Builder
	out.WriteString("{\"machine\": " + string(machine) + ",\n\"images\": " + string(head) + ",\n\"runs\": [\n")
	for i, m := range r.Runs {
		line, err := json.Marshal(m)
		if err != nil {
			return err
		}
		out.Write(line)
		if i < len(r.Runs)-1 {
			out.WriteByte(',')
		}
		out.WriteByte('\n')
	}
	out.WriteString("]}\n")
	if err := os.WriteFile(file+".part", []byte(out.String()), 0o644); err != nil {
		return err
	}
	return os.Rename(file+".part", file)
}

// machine says in a line what was measured on.
func machine() string {
	model := "unknown processor"
	if data, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := regexp.MustCompile(`(?m)^model name\s*:\s*(.+)$`).FindSubmatch(data); m != nil {
			model = string(m[1])
		}
	}
	memory := ""
	if data, err := os.ReadFile("/proc/meminfo"); err == nil {
		if m := regexp.MustCompile(`MemTotal:\s+(\d+) kB`).FindSubmatch(data); m != nil {
			memory = ", " + string(m[1][:max(0, len(m[1])-6)]) + " GB of memory"
		}
	}
	version := ""
	if out, err := exec.Command("buildkitd", "--version").Output(); err == nil {
		if f := strings.Fields(string(out)); len(f) > 2 {
			version = ", BuildKit " + f[2]
		}
	}
	return model + ", " + strconv.Itoa(runtime.NumCPU()) + " cores" + memory + version
}
