package lock

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/org/pyfile/pyfile"
)

// CUDA warns of CUDA wheels in an image whose project names an index of CPU builds: on Linux the default index has torch as a CUDA
// build, whose nvidia packages weigh gigabytes, and declaring an index is not enough to get torch from it. It returns nil when
// there is nothing to say. The place is that of the index in pyproject.toml.
func CUDA(artifacts []Artifact, project *Project) *pyfile.Error {
	index := project.cpuIndex()
	if index == nil {
		return nil
	}
	var builds, family []string // of other packages than nvidia's; those that an index of torch has
	var size int64
	nvidia, unknown := 0, false
	libraries := slices.ContainsFunc(artifacts, func(a Artifact) bool { return strings.HasPrefix(a.Name, "nvidia-") })
	for _, a := range artifacts {
		_, local, _ := strings.Cut(a.Version, "+")
		switch {
		case a.Kind != Wheel:
			continue
		case strings.HasPrefix(a.Name, "nvidia-"):
			nvidia++
		case cudaLocal.MatchString(local), cudaName.MatchString(a.Name):
			builds = append(builds, a.Name+" "+a.Version)
		case a.Name == "torch" && libraries && local == "":
			builds = append(builds, a.Name+" "+a.Version)
		default:
			if slices.Contains(torchFamily, a.Name) && libraries && local == "" {
				family = append(family, a.Name)
			}
			continue
		}
		if slices.Contains(torchFamily, a.Name) {
			family = append(family, a.Name)
		}
		size, unknown = size+a.Size, unknown || a.Size == 0
	}
	if nvidia+len(builds) == 0 {
		return nil
	}
	e := &pyfile.Error{File: project.File, Range: project.doc.span(index.at), Hint: index.hint(family)}
	switch {
	case len(builds) == 0:
		e.Msg = fmt.Sprintf("the lock has CUDA libraries (%s)", count(nvidia))
	case nvidia == 0:
		e.Msg = fmt.Sprintf("the lock has CUDA builds (%s)", listing(builds, ", "))
	default:
		e.Msg = fmt.Sprintf("the lock has CUDA builds (%s, with %s)", listing(builds, ", "), count(nvidia))
	}
	if size > 0 {
		e.Msg += " of " + weight(size)
		if unknown {
			e.Msg += " or more"
		}
	}
	e.Msg += ", though the project declares an index of CPU builds"
	return e
}

// cudaLocal is the local version of a CUDA build, such as cu128 in 2.9.0+cu128.
var cudaLocal = regexp.MustCompile(`^cu[0-9]+`)

// cudaName is the name of a package that is for CUDA only.
var cudaName = regexp.MustCompile(`^(?:cuda-.*|.*-cuda[0-9]+x?(?:-.*)?|.*-cu1[0-9])$`)

// torchFamily are the packages that have CPU builds in an index of their own.
var torchFamily = []string{"torch", "torchaudio", "torchvision"}

func count(nvidia int) string {
	if nvidia == 1 {
		return "1 nvidia package"
	}
	return fmt.Sprintf("%d nvidia packages", nvidia)
}

// weight writes bytes as MB or GB of the decimal kind, as indexes and registries do.
func weight(size int64) string {
	const mega, giga = 1_000_000, 1_000_000_000
	if size < giga {
		return fmt.Sprintf("%d MB", (size+mega-1)/mega)
	}
	return fmt.Sprintf("%.1f GB", float64(size)/giga)
}

// cpuIndex is an index of CPU builds in a pyproject.toml.
type cpuIndex struct {
	tool string // "uv", "poetry" or "pdm"
	name string // "" when it has none
	at   span
}

// cpuIndex finds the first index of CPU builds: one called pytorch-cpu, or with "cpu" as a part of its path.
func (p *Project) cpuIndex() *cpuIndex {
	if p == nil || p.doc == nil {
		return nil
	}
	tools := p.doc.root.get("tool")
	for _, where := range [3][2]string{{"uv", "index"}, {"poetry", "source"}, {"pdm", "source"}} {
		list := tools.get(where[0]).get(where[1])
		if list == nil || list.kind != listNode {
			continue
		}
		for _, t := range list.items {
			found := cpuIndex{tool: where[0], at: t.at}
			if n := t.get("name"); n != nil && n.kind == stringNode {
				found.name, found.at = n.text, n.at
			}
			link := ""
			if n := t.get("url"); n != nil && n.kind == stringNode {
				link, found.at = n.text, n.at
			}
			if strings.EqualFold(found.name, "pytorch-cpu") || cpuPath(link) {
				return &found
			}
		}
	}
	return nil
}

func cpuPath(link string) bool {
	u, err := url.Parse(link)
	return err == nil && slices.Contains(strings.Split(strings.ToLower(u.Path), "/"), "cpu")
}

// hint tells how the packages come from the index.
func (i *cpuIndex) hint(packages []string) string {
	slices.Sort(packages)
	packages = slices.Compact(packages)
	if len(packages) == 0 {
		packages = []string{"torch"}
	}
	name := i.name
	if name == "" {
		name = "pytorch-cpu"
	}
	var out []string
	switch i.tool {
	case "uv":
		for _, p := range packages {
			out = append(out, fmt.Sprintf("%s = { index = %q }", p, name))
		}
		hint := fmt.Sprintf("write %s in [tool.uv.sources]", listing(out, " and "))
		if i.name == "" {
			hint = fmt.Sprintf("give the index name = %q, ", name) + hint
		}
		return hint + fmt.Sprintf(`, list %s in the dependencies, and run "uv lock"`, listing(packages, " and "))
	case "poetry":
		for _, p := range packages {
			out = append(out, fmt.Sprintf("%s = { version = \"*\", source = %q }", p, name))
		}
		return fmt.Sprintf(`write %s in [tool.poetry.dependencies], with your versions, and run "poetry lock"`, listing(out, " and "))
	}
	for _, p := range packages {
		out = append(out, fmt.Sprintf("%q", p))
	}
	return fmt.Sprintf(`write include_packages = [%s] at this source and exclude_packages = [%[1]s] at the others, and run "pdm lock"`, listing(out, ", "))
}
