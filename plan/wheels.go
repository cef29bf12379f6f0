package plan

import (
	"fmt"
	"path"
	"strings"

	"github.com/org/pyfile/lock"
)

// fetch adds the vertices of files of the lock and returns their ids.
func (s *stages) fetch(wheels []lock.Artifact) []string {
	var total int64
	for _, w := range s.wheels {
		total += w.Size
	}
	all := fmt.Sprintf("[dep-builder] fetch %s, %s", count(len(s.wheels), "wheel"), megabytes(total))
	ids := make([]string, len(wheels))
	for i, w := range wheels {
		ids[i] = s.add(Step{ID: "fetch:" + w.Filename, Stage: DepBuilder, Name: "[dep-builder] fetch " + w.Filename, Group: all,
			Origin: s.origin(s.File.Dependencies.Lock.Range, s.File.Dependencies.Range),
			Fetch:  &Fetch{URL: w.URL, SHA256: w.SHA256, Filename: w.Filename, Lock: s.LockName, At: w.Origin}})
	}
	return ids
}

// shipWheels puts the wheels into a directory of an image, or of nothing.
func (s *stages) shipWheels(stage, on, dir string, app bool) string {
	files := &Files{On: on}
	if dir != "/" {
		files.Actions = append(files.Actions, Action{Mkdir: &Mkdir{Path: dir, Mode: 0o755}})
	}
	if stage != AppBuilder {
		for i, id := range s.fetch(s.wheels) {
			file := s.wheels[i].Filename
			files.Actions = append(files.Actions, Action{Copy: &Copy{From: id, Source: "/" + file, Path: path.Join(dir, file)}})
		}
	}
	if app && s.Install == installWheel {
		files.Actions = append(files.Actions, Action{Copy: &Copy{From: s.appWheel(), Source: "/", Path: dir, Contents: true}})
	}
	if len(files.Actions) == 0 {
		return on
	}
	return s.add(Step{ID: stage, Stage: stage, Target: true, Name: "[" + stage + "] collect wheels", Origin: s.origin(), Files: files})
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
	const shown = 4
	var names []string
	for _, w := range wheels[:min(shown, len(wheels))] {
		names = append(names, w.Name+" "+w.Version)
	}
	if more := len(wheels) - shown; more > 0 {
		return strings.Join(names, ", ") + fmt.Sprintf(" and %d more", more)
	}
	return strings.Join(names, ", ")
}
