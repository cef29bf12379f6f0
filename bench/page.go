package main

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/org/pyfile/bench/chart"
)

// writePage writes the tables of the page between their markers, and the charts beside it.
func writePage(file string, all *results) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	parts := map[string]string{"machine": all.Machine + ".\n", "budgets": all.budgets()}
	for _, p := range projects {
		if len(all.rounds(p.Name)) == 0 {
			continue
		}
		parts[p.Name] = all.table(p)
		for name, c := range all.charts(p) {
			if err := os.WriteFile(filepath.Join(filepath.Dir(file), name), c.SVG(), 0o644); err != nil {
				return err
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		begin, end := []byte("<!-- begin "+name+" -->\n"), []byte("<!-- end "+name+" -->")
		from, to := bytes.Index(data, begin), bytes.Index(data, end)
		if from < 0 || to < from {
			return fmt.Errorf("%s has no place for %s", file, name)
		}
		data = slices.Concat(data[:from+len(begin)], []byte(parts[name]), data[to:])
	}
	return os.WriteFile(file, data, 0o644)
}

// rounds are the numbers of a project's rounds.
func (r *results) rounds(project string) []int {
	found := map[int]bool{}
	for _, m := range r.Runs {
		if m.Project == project {
			found[m.Round] = true
		}
	}
	return slices.Sorted(maps.Keys(found))
}

// of are the measurements of one scenario.
func (r *results) of(project, contender, scenario string) []measure {
	var out []measure
	for _, m := range r.Runs {
		if m.Project == project && m.Contender == contender && m.Scenario == scenario {
			out = append(out, m)
		}
	}
	return out
}

// seconds and the other functions of its kind choose what of a measurement is looked at.
func seconds(m measure) float64 { return m.Seconds }
func pushed(m measure) float64  { return float64(m.Pushed) }
func pulled(m measure) float64  { return float64(m.Pulled) }
func fetched(m measure) float64 { return float64(m.Fetched) }
func onDisk(m measure) float64  { return float64(m.Bytes) }

// median of the measurements of a scenario; not a number if there is none.
func (r *results) median(project, contender, scenario string, value func(measure) float64) float64 {
	var values []float64
	for _, m := range r.of(project, contender, scenario) {
		values = append(values, value(m))
	}
	return median(values)
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	values = slices.Sorted(slices.Values(values))
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}

// ratio is one contender's seconds to another's in a scenario: the median of the rounds, and the worst.
func (r *results) ratio(project, scenario, one, other string) (middle, worst float64) {
	var all []float64
	for _, round := range r.rounds(project) {
		of := func(contender string) float64 {
			var values []float64
			for _, m := range r.of(project, contender, scenario) {
				if m.Round == round {
					values = append(values, m.Seconds)
				}
			}
			return median(values)
		}
		if q := of(one) / of(other); !math.IsNaN(q) {
			all = append(all, q)
		}
	}
	if len(all) == 0 {
		return math.NaN(), math.NaN()
	}
	return median(all), slices.Max(all)
}

// table is what a project's builds took.
func (r *results) table(p project) string {
	var out strings.Builder
	images := r.Images[p.Name]
	header := func(first string) {
		out.WriteString("| " + first)
		for _, c := range contenders {
			out.WriteString(" | " + c.title)
		}
		out.WriteString(" |\n|---" + strings.Repeat("|---:", len(contenders)) + "|\n")
	}
	row := func(title string, cell func(contender) string) {
		out.WriteString("| " + title)
		for _, c := range contenders {
			out.WriteString(" | " + cell(c))
		}
		out.WriteString(" |\n")
	}
	fmt.Fprintf(&out, "Rounds: %d, of which these are medians. Seconds, and bytes that were pushed:\n\n", len(r.rounds(p.Name)))
	header("build and push")
	for _, s := range scenarios {
		if s.fresh != "" {
			continue
		}
		row(s.title, func(c contender) string {
			return r.cell(p, c, s.name, seconds, "%.1f s") + ", " + size(r.median(p.Name, c.name, s.name, pushed))
		})
	}
	out.WriteString("\nOn an empty daemon with a registry cache: seconds, bytes pulled from the registry, bytes fetched from the index, bytes pushed.\n\n")
	header("fresh runner")
	for _, s := range scenarios {
		if s.fresh == "" {
			continue
		}
		row(strings.TrimPrefix(s.title, "fresh runner, "), func(c contender) string {
			if len(r.of(p.Name, c.name, s.name)) == 0 {
				return "as mode=max"
			}
			return r.cell(p, c, s.name, seconds, "%.1f s") + ", " + size(r.median(p.Name, c.name, s.name, pulled)) + ", " +
				size(r.median(p.Name, c.name, s.name, fetched)) + ", " + size(r.median(p.Name, c.name, s.name, pushed))
		})
	}
	out.WriteString("\nThe image, and a node that runs it:\n\n")
	header("")
	row("compressed size over the base", func(c contender) string { return size(float64(images[c.name].Over)) })
	row("layers", func(c contender) string { return strconv.Itoa(images[c.name].Layers) })
	row("disk of the daemon after all warm builds", func(c contender) string { return size(r.median(p.Name, c.name, disk, onDisk)) })
	row("pull of one changed line", func(c contender) string {
		return r.cell(p, c, pullCode, seconds, "%.2f s") + ", " + size(r.median(p.Name, c.name, pullCode, pulled))
	})
	row("pull of a small bump", func(c contender) string {
		return r.cell(p, c, pullSmall, seconds, "%.2f s") + ", " + size(r.median(p.Name, c.name, pullSmall, pulled))
	})
	row("container until `import "+p.modules+"` is done", func(c contender) string { return r.cell(p, c, firstImport, seconds, "%.2f s") })
	if p.serve != nil {
		row("container until it answers a request", func(c contender) string { return r.cell(p, c, firstRequest, seconds, "%.2f s") })
	}
	return out.String() + r.optionTable(p)
}

func (r *results) cell(p project, c contender, scenario string, value func(measure) float64, format string) string {
	v := r.median(p.Name, c.name, scenario, value)
	if math.IsNaN(v) {
		return "?"
	}
	return fmt.Sprintf(format, v)
}

// size writes bytes for people.
func size(n float64) string {
	switch {
	case math.IsNaN(n):
		return "?"
	case n >= 1e9:
		return fmt.Sprintf("%.2f GB", n/1e9)
	case n >= 1e6:
		return fmt.Sprintf("%.1f MB", n/1e6)
	case n >= 1e3:
		return fmt.Sprintf("%.1f kB", n/1e3)
	}
	return fmt.Sprintf("%.0f B", n)
}

// budget is a promise of the design: a ratio that must not be passed, and one that is aimed at.
type budget struct {
	measure   string
	must, aim float64
	project   string
	scenario  string
	// one and other are the contenders whose seconds are compared.
	one, other string
}

var ratios = []budget{
	{"cold build and push / uv, two stages", 1.0, 0.7, "data", "cold", ours, "uv-multi"},
	{"one line of code / uv, one stage", 0.6, 0.3, "data", "code", ours, "uv-single"},
	{"small bump / uv, two stages", 0.12, 0.06, "data", "small", ours, "uv-multi"},
	{"a dependency bumped on a fresh runner, mode=max / uv, two stages", 0.3, 0.15, "data", "fresh-bump-max", ours, "uv-multi"},
	{"nothing changed on a fresh runner / a Dockerfile of one line with `# syntax=`", 2.0, 1.2, "data", "fresh-unchanged-max", ours, "line-image"},
	{"nothing changed on a fresh runner / the same without, by the frontend in the daemon", 2.0, 1.2, "data", "fresh-unchanged-max", ours, "line"},
	{"nothing changed / a Dockerfile of one line with `# syntax=`", 2.0, 1.3, "data", "unchanged", ours, "line-image"},
	{"nothing changed / the same without, by the frontend in the daemon", 2.0, 1.3, "data", "unchanged", ours, "line"},
	{"nothing changed / uv, two stages, by the frontend in the daemon", 2.0, 1.3, "data", "unchanged", ours, "uv-multi"},
	{"for comparison: nothing changed, a Dockerfile of one line with `# syntax=` / the same without", 0, 0, "data", "unchanged", "line-image", "line"},
	{"container start to served request / uv, two stages", 0.6, 0.45, "web", firstRequest, ours, "uv-multi"},
}

// budgets is the table of what was promised and what was measured.
func (r *results) budgets() string {
	var out strings.Builder
	out.WriteString("| measure | must | aim | median | worst round |\n|---|---:|---:|---:|---:|\n")
	if images := r.Images["data"]; images != nil {
		four := float64(images["four"].Over)
		q := float64(images[ours].Over) / four
		fmt.Fprintf(&out, "| image over base / four stages | 0.58 | | %.2f | %.2f |\n", q, q)
		if slim := r.optionSize("data", "slim"); !math.IsNaN(slim) {
			fmt.Fprintf(&out, "| image with `[slim]` over base / four stages | 0.58 | 0.4 | %.2f | %.2f |\n", slim/four, slim/four)
		}
	}
	for _, b := range ratios {
		middle, worst := r.ratio(b.project, b.scenario, b.one, b.other)
		if math.IsNaN(middle) {
			continue
		}
		promise := " | "
		if b.must > 0 {
			promise = fmt.Sprintf("%.2g | %.2g", b.must, b.aim)
		}
		fmt.Fprintf(&out, "| %s | %s | %.2f | %.2f |\n", b.measure, promise, middle, worst)
	}
	for _, p := range projects {
		for _, row := range []struct{ scenario, title string }{{"code", "one line of code"}, {"small", "a small bump"}} {
			var layers []float64
			for _, m := range r.of(p.Name, ours, row.scenario) {
				layers = append(layers, float64(m.NewBytes))
			}
			if len(layers) > 0 {
				fmt.Fprintf(&out, "| layers that %s pushes, `%s` | %s | | %s | %s |\n", row.title, p.Name,
					map[string]string{"code": "the wheel + 2 kB", "small": "its group"}[row.scenario], size(median(layers)), size(slices.Max(layers)))
			}
		}
	}
	for _, p := range projects {
		if builds, digests := r.digests(p.Name); builds > 0 {
			fmt.Fprintf(&out, "| digests of the cold builds of `%s` on fresh daemons (%d) | 1 | 1 | %d | %d |\n", p.Name, builds, digests, digests)
		}
	}
	return out.String()
}

// digests are how many images came out of cold builds of equal inputs, in the worst case, and of how many builds.
func (r *results) digests(project string) (builds, digests int) {
	of := map[string][]string{}
	for _, m := range r.of(project, ours, "cold") {
		of[m.Inputs] = append(of[m.Inputs], m.Digest)
	}
	for _, found := range of {
		n := len(found)
		slices.Sort(found)
		if d := len(slices.Compact(found)); d > digests || d == digests && n > builds {
			builds, digests = n, d
		}
	}
	return builds, digests
}

// charts are the pictures of a project, by file name.
func (r *results) charts(p project) map[string]chart.Bars {
	bars := func(title, unit string, value func(measure) float64, scale float64, names ...string) chart.Bars {
		c := chart.Bars{Title: title, Unit: unit, Log: unit != "s"}
		for _, name := range names {
			at := slices.IndexFunc(scenarios, func(s scenario) bool { return s.name == name })
			for _, w := range contenders {
				v := r.median(p.Name, w.name, name, value)
				if math.IsNaN(v) {
					continue
				}
				c.Bars = append(c.Bars, chart.Bar{Group: scenarios[at].title, Label: w.title, Value: v / scale, Ours: w.name == ours})
			}
		}
		return c
	}
	return map[string]chart.Bars{
		"benchmarks-" + p.Name + "-seconds.svg": bars(p.Name+": seconds to build and push", "s", seconds, 1, "cold", "code", "small", "fresh-bump-max"),
		"benchmarks-" + p.Name + "-pushed.svg":  bars(p.Name+": bytes pushed", "kB", pushed, 1e3, "code", "small", "big", "added"),
	}
}
