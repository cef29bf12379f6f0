package lock

import (
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/org/pyfile/python"
)

// pdmRequirement is a requirement as pdm takes it: in a pyproject.toml and in the lock there may be, beside those of the dependency
// specifiers specification, repositories, addresses and paths without a name, and "-e" before them.
type pdmRequirement struct {
	name       string   // normalised; "" when only the path is known
	extras     []string // normalised and sorted
	specifiers python.Specifiers
	marker     python.Marker
	direct     bool   // from a repository, an address or a path
	path       string // of a local file or directory, relative to the project; only for what has no name
	editable   bool
}

var (
	vcsRequirement = regexp.MustCompile(`(?i)^((?:git|hg|svn|bzr)\+[^\s;]+)(?:[\t ]*;(.*))?$`)
	// fileRequirement is an address or a path, then extras and a marker.
	fileRequirement = regexp.MustCompile(`^([^\s;\[\]]+)(\[[^\[\]]+\])?[\t ]*(?:;(.*))?$`)
)

// parsePDMRequirement reads a requirement.
func parsePDMRequirement(line string) (pdmRequirement, error) {
	line, editable := strings.CutPrefix(strings.TrimSpace(line), "-e ")
	line = strings.ReplaceAll(strings.TrimSpace(line), "{root:uri}", "file:///${PROJECT_ROOT}")
	out := pdmRequirement{editable: editable}
	if m := vcsRequirement.FindStringSubmatch(line); m != nil {
		out.direct = true
		return out, out.link(m[1], "", m[2])
	}
	r, err := python.ParseRequirement(line)
	if err == nil {
		out.setName(r.Name, r.Extras)
		out.specifiers, out.marker, out.direct = r.Specifiers, r.Marker, r.URL != ""
		return out, nil
	}
	if m := fileRequirement.FindStringSubmatch(line); m != nil && (strings.Contains(m[1], "/") || strings.HasPrefix(m[1], ".")) {
		out.direct = true
		return out, out.link(m[1], strings.Trim(m[2], "[]"), m[3])
	}
	return out, err
}

func (r *pdmRequirement) setName(name string, extras []string) {
	r.name = python.NormalizeName(name)
	for _, e := range extras {
		r.extras = append(r.extras, python.NormalizeName(strings.TrimSpace(e)))
	}
	slices.Sort(r.extras)
	r.extras = slices.Compact(r.extras)
}

// link reads an address or a path. The name is in its fragment ("egg=name[extra]") or, as pdm guesses, in the last part.
func (r *pdmRequirement) link(link, extras, marker string) error {
	if strings.TrimSpace(marker) != "" {
		var err error
		if r.marker, err = python.ParseMarker(marker); err != nil {
			return err
		}
	}
	var list []string
	if extras != "" {
		list = strings.Split(extras, ",")
	}
	bare, fragment, _ := strings.Cut(link, "#")
	if values, err := url.ParseQuery(fragment); err == nil && values.Get("egg") != "" {
		name, more, _ := strings.Cut(strings.TrimSuffix(values.Get("egg"), "]"), "[")
		if more != "" && list == nil {
			list = strings.Split(more, ",")
		}
		r.setName(name, list)
		return nil
	}
	last := path.Base(bare)
	vcs := vcsRequirement.MatchString(bare)
	switch {
	case vcs:
		last, _, _ = strings.Cut(last, "@")
		r.setName(strings.TrimSuffix(last, ".git"), list)
	case strings.HasSuffix(last, ".whl"):
		if w, err := python.ParseWheelName(last); err == nil {
			r.setName(w.Name, list)
		}
	case isSdist(last):
		if name, _, err := python.ParseSdistName(last); err == nil {
			r.setName(name, list)
		}
	}
	if r.name == "" {
		r.setName("", list)
		if local, ok := rootedPath(bare); ok {
			r.path = local
		} else if !strings.Contains(bare, "://") {
			r.path = bare
		}
	}
	return nil
}
