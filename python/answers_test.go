//go:build differential

package python

import (
	"fmt"
	"slices"
	"strings"
)

// ask makes a question of a kind whose first argument is a text.
func ask(kind, text string) question {
	q := question{Kind: kind, Args: []any{text}}
	switch kind {
	case "version":
		q.ours = func() (string, error) { return versionAnswer(text) }
	case "specifiers":
		q.ours = func() (string, error) {
			s, err := ParseSpecifiers(text)
			return sortedSpecifiers(s), err
		}
	case "marker", "requirement":
		return askIn(kind, text, 0, 1)
	case "wheel":
		q.ours = func() (string, error) { return wheelAnswer(text) }
	case "sdist":
		q.ours = func() (string, error) {
			name, version, err := ParseSdistName(text)
			return name + "|" + version, err
		}
	case "name":
		q.ours = func() (string, error) { return fmt.Sprintf("%s|%t", NormalizeName(text), ValidName(text)), nil }
	default:
		panic("no such kind: " + kind)
	}
	return q
}

// askIn asks what a text is taken apart into, and what its marker says in some of the environments.
func askIn(kind, text string, envs ...int) question {
	q := question{Kind: kind, Args: []any{text, envs}}
	if kind == "marker" {
		q.ours = func() (string, error) { return markerAnswer(text, envs) }
	} else {
		q.ours = func() (string, error) { return requirementAnswer(text, envs) }
	}
	return q
}

func askSdistOf(filename, name string) question {
	return question{Kind: "sdist_of", Args: []any{filename, name}, ours: func() (string, error) {
		if v, ok := SdistVersion(filename, name); ok {
			return v.String(), nil
		}
		return "none", nil
	}}
}

// askExtra asks about one comparison where several extras are activated.
func askExtra(text string, names []string) question {
	return question{Kind: "extra", Args: []any{text, names}, ours: func() (string, error) {
		m, err := ParseMarker(text)
		if err != nil {
			return "", err
		}
		holds, err := m.Eval(Environment{Extra: names})
		return fmt.Sprint(holds), err
	}}
}

// askContext asks whether a marker is for a context: where a package is described, where a lock is read, or anywhere else.
func askContext(text, context string) question {
	unknown := map[string][]string{
		"metadata": {"extras", "dependency_groups"}, "lock_file": {"extra"}, "requirement": {"extra", "extras", "dependency_groups"},
	}
	return question{Kind: "context", Args: []any{text, context}, ours: func() (string, error) {
		m, err := ParseMarker(text)
		if slices.ContainsFunc(m.Variables(), func(v string) bool { return slices.Contains(unknown[context], v) }) {
			return "undefined", err
		}
		return "defined", err
	}}
}

func versionAnswer(text string) (string, error) {
	v, err := ParseVersion(text)
	var release []string
	for _, n := range v.Release() {
		release = append(release, fmt.Sprint(n))
	}
	pre, post, dev := "", "", ""
	if v.pre != noPre {
		pre = fmt.Sprintf("%s%d", v.pre, v.preN)
	}
	if v.post != 0 {
		post = fmt.Sprint(v.post - 1)
	}
	if v.dev != 0 {
		dev = fmt.Sprint(v.dev - 1)
	}
	return fmt.Sprintf("%s|%s|%s|%d|%s|%s|%s|%s|%t",
		v, v.Public(), v.Local(), v.epoch, strings.Join(release, "."), pre, post, dev, v.IsPrerelease()), err
}

func sortedSpecifiers(s Specifiers) string {
	var each []string
	for _, spec := range s.list {
		each = append(each, Specifiers{[]specifier{spec}}.String())
	}
	slices.Sort(each)
	return strings.Join(slices.Compact(each), " ")
}

func markerAnswer(text string, envs []int) (string, error) {
	m, err := ParseMarker(text)
	if err != nil {
		return "", err
	}
	return strings.Join(append([]string{tree(m.root)}, evaluated(m, envs)...), " "), nil
}

// evaluated is what a marker says in some of the environments: true, false or error.
func evaluated(m Marker, envs []int) []string {
	var answers []string
	for _, i := range envs {
		holds, err := m.Eval(environments[i])
		if err != nil {
			answers = append(answers, "error")
		} else {
			answers = append(answers, fmt.Sprint(holds))
		}
	}
	return answers
}

// tree writes an expression so that only equal ones are written alike.
func tree(x *expression) string {
	if x.join == comparing {
		c := &x.comparison
		l, r := c.variable.String(), fmt.Sprintf("%d:%s", len(c.value), c.value)
		if c.reversed {
			l, r = r, l
		}
		return l + " " + c.op.String() + " " + r
	}
	parts := []string{[...]string{and: "and", or: "or"}[x.join]}
	for i := range x.parts {
		parts = append(parts, tree(&x.parts[i]))
	}
	return "(" + strings.Join(parts, " ") + ")"
}

func requirementAnswer(text string, envs []int) (string, error) {
	r, err := ParseRequirement(text)
	if err != nil {
		return "", err
	}
	extras := slices.Clone(r.Extras)
	slices.Sort(extras)
	extras = slices.Compact(extras)
	parts := []string{r.Name, strings.Join(extras, " "), sortedSpecifiers(r.Specifiers), r.URL}
	if !r.Marker.IsZero() {
		parts = append(append(parts, tree(r.Marker.root)), evaluated(r.Marker, envs)...)
	}
	return strings.Join(parts, "|"), nil
}

func wheelAnswer(filename string) (string, error) {
	w, err := ParseWheelName(filename)
	if err != nil {
		return "", err
	}
	var tags []string
	for _, tag := range w.Tags {
		tags = append(tags, tag.String())
	}
	slices.Sort(tags)
	build := w.Build
	if build != "" {
		number, rest := splitBuild(build)
		build = number + rest
	}
	return strings.Join([]string{w.Name, w.Version, build, strings.Join(slices.Compact(tags), " "), fmt.Sprint(w.Sorted)}, "|"), nil
}

func joinTags(tags []Tag) string {
	texts := make([]string, len(tags))
	for i, tag := range tags {
		texts[i] = tag.String()
	}
	return strings.Join(texts, " ")
}

func packagingEnvironment(e Environment) map[string]any {
	env := map[string]any{"extras": append([]string{}, e.Extras...), "dependency_groups": append([]string{}, e.DependencyGroups...)}
	env["extra"] = strings.Join(e.Extra, "") // packaging knows one at a time
	for v := osName; v < extra; v++ {
		env[v.String()] = e.value(v)
	}
	env["python_full_version"] = e.PythonFullVersion
	return env
}

func packagingTarget(t Target) map[string]any {
	return map[string]any{
		"machine": t.Machine, "libc": t.Libc.Name, "major": t.Libc.Major, "minor": t.Libc.Minor,
		"free_threaded": t.FreeThreaded, "python_major": t.major(), "python_minor": t.minor(),
	}
}
