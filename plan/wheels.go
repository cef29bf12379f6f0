package plan

import (
	"fmt"
	"path"
	"strings"

	"github.com/org/pyfile/lock"
)

// wheelFile is where a wheel lies: a path in the tree of a step.
type wheelFile struct{ step, path string }

// fetch adds the vertices of wheels or sources of the lock and says where the files are.
func (s *stages) fetch(wheels []lock.Artifact) ([]wheelFile, error) {
	var total int64
	for _, w := range s.wheels {
		total += w.Size
	}
	all := fmt.Sprintf("[dep-builder] fetch %s, %s", count(len(s.wheels), "wheel"), megabytes(total))
	out := make([]wheelFile, len(wheels))
	for i, w := range wheels {
		out[i] = wheelFile{path: "/" + w.Filename}
		switch {
		case s.replaces(DepBuilder) && w.Path == "" && w.Kind == lock.Wheel:
			out[i].step = s.takeLocked()
		case w.Path != "":
			out[i].path = "/" + w.Path
			out[i].step = s.add(Step{ID: "load:" + w.Path, Stage: DepBuilder, Name: "[dep-builder] load " + w.Path, Origin: s.lockOrigin(),
				Context: &Context{Include: []string{w.Path}}})
		case s.private(w.URL) || s.signed(w.URL):
			var err error
			if out[i].step, err = s.fetchByHelper(w); err != nil {
				return nil, err
			}
		default:
			what, group := w.Filename, all
			if w.Kind != lock.Wheel {
				group = ""
			}
			if w.Kind == lock.Archive { // several may be called main.zip
				what = w.Filename + " of " + w.Name
			}
			out[i].step = s.add(Step{ID: "fetch:" + what, Stage: DepBuilder, Name: "[dep-builder] fetch " + what, Group: group,
				Origin: s.lockOrigin(), Fetch: &Fetch{URL: w.URL, SHA256: w.SHA256, Filename: w.Filename, Lock: w.Lock, At: w.Origin}})
		}
	}
	return out, nil
}

// shipWheels puts the wheels into a directory of an image, or of nothing.
func (s *stages) shipWheels(stage, on, dir string, app bool) (string, error) {
	files := &Files{On: on}
	if dir != "/" {
		files.Actions = append(files.Actions, Action{Mkdir: &Mkdir{Path: dir, Mode: 0o755}})
	}
	if stage != AppBuilder {
		found, err := s.fetch(s.wheels)
		if err != nil {
			return "", err
		}
		for i, f := range found {
			files.Actions = append(files.Actions, Action{Copy: &Copy{From: f.step, Source: f.path, Path: path.Join(dir, s.wheels[i].Filename)}})
		}
		for _, a := range s.built() {
			wheel, err := s.builtWheel(a)
			if err != nil {
				return "", err
			}
			files.Actions = append(files.Actions, Action{Copy: &Copy{From: wheel, Source: "/", Path: dir, Contents: true}})
		}
	}
	if app && s.Install == installWheel {
		wheel, err := s.appWheel()
		if err != nil {
			return "", err
		}
		files.Actions = append(files.Actions, Action{Copy: &Copy{From: wheel, Source: "/", Path: dir, Contents: true}})
	}
	if len(files.Actions) == 0 {
		return on, nil
	}
	return s.add(Step{ID: stage, Stage: stage, Target: true, Name: "[" + stage + "] collect wheels", Origin: s.origin(), Files: files}), nil
}

// count writes a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// megabytes writes a size for people.
func megabytes(bytes int64) string {
	return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
}

// wheelNames writes the first wheels of a group and how many more there are.
func wheelNames(wheels []lock.Artifact) string {
	names := make([]string, len(wheels))
	for i, w := range wheels {
		names[i] = w.Name + " " + w.Version
	}
	return firstOf(names)
}

// firstOf writes the first names of a list and how many more there are.
func firstOf(names []string) string {
	const shown = 4
	text := strings.Join(names[:min(shown, len(names))], ", ")
	if more := len(names) - shown; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	return text
}
