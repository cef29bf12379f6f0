package main

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/org/pyfile/bench/chart"
	"github.com/org/pyfile/plan"
)

// The values that were tried.
var (
	ownSizes     = []int64{250_000, 500_000, 1_000_000, 2_000_000, 4_000_000, 8_000_000, 16_000_000, everything}
	bucketCounts = []int{1, 2, 4, 8, 12, 16, 24, 32}
	maxLayers    = []int{16, 24, 32, 48, 64, 96}
)

// former is the rule that the replay was to judge.
var former = plan.Grouping{Max: 32, Own: 4_000_000, Buckets: 8}

// report has the histories and what a layer for each wheel would cost them.
type report struct {
	histories []history
	lowest    []outcome
	chosen    plan.Grouping
}

func newReport(hs []history) *report {
	r := &report{histories: hs, chosen: plan.DefaultGrouping()}
	for _, h := range hs {
		r.lowest = append(r.lowest, replay(h, apart{}))
	}
	return r
}

// result is what a rule costs all projects: geometric means of ratios to the lowest outcomes, so that each project counts alike.
type result struct {
	each                 []outcome
	weekly, monthly, any float64
	layers, fresh        float64 // on average
	most, crossed        int
	crossing             float64
}

func (r *report) run(rule rule) result {
	var out result
	var weekly, monthly, any []float64
	for i, h := range r.histories {
		o := replay(h, rule)
		out.each = append(out.each, o)
		weekly = append(weekly, o.weekly/r.lowest[i].weekly)
		monthly = append(monthly, o.monthly/r.lowest[i].monthly)
		any = append(any, o.any/r.lowest[i].any)
		out.layers += o.layers / float64(len(r.histories))
		out.fresh += o.fresh / float64(len(r.histories))
		out.most = max(out.most, o.most)
		out.crossed += o.crossed
		out.crossing += o.crossing
	}
	out.weekly, out.monthly, out.any = geomean(weekly), geomean(monthly), geomean(any)
	return out
}

// projects is the table of what was replayed.
func (r *report) projects() string {
	var b strings.Builder
	b.WriteString("| project | wheels | MB | largest wheel (MB) | releases a week | MB a week, one layer each | one layer for all |\n|---|---:|---:|---:|---:|---:|---:|\n")
	for i, h := range r.histories {
		last := h.days[len(h.days)-1]
		var largest int64
		for _, w := range last {
			largest = max(largest, w.Size)
		}
		_, n := releases(h, apart{})
		fmt.Fprintf(&b, "| %s | %d | %s | %s | %.1f | %s | %s |\n", h.project, len(last), mb(float64(size(last))), mb(float64(largest)), float64(n)/weeks,
			mb(r.lowest[i].weekly), mb(replay(h, together{}).weekly))
	}
	return b.String()
}

// releases is the table of what one release costs that is taken alone, as a bot or a security fix has it.
func (r *report) releases() string {
	var b strings.Builder
	rules := []rule{together{}, former, r.chosen, apart{}}
	fmt.Fprintf(&b, "| project | releases | one layer for all | 4 MB, 8 buckets, 32 | **%s, %d buckets, %d** | one layer for each wheel |\n|---|---:|---:|---:|---:|---:|\n",
		ownName(r.chosen.Own), r.chosen.Buckets, r.chosen.Max)
	for _, h := range r.histories {
		_, n := releases(h, apart{})
		fmt.Fprintf(&b, "| %s | %d |", h.project, n)
		for _, rule := range rules {
			bytes, _ := releases(h, rule)
			fmt.Fprintf(&b, " %s |", mb(bytes))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// table writes rules and their results, the chosen one in bold.
func (r *report) table(first string, rows []named) string {
	var b strings.Builder
	fmt.Fprintf(&b, "| %s | a week | four weeks | any one | layers | most | new | crossed | MB by that |", first)
	for _, h := range r.histories {
		fmt.Fprintf(&b, " %s |", h.project)
	}
	b.WriteString("\n|---|---:|---:|---:|---:|---:|---:|---:|---:|" + strings.Repeat("---:|", len(r.histories)) + "\n")
	for _, row := range rows {
		o := r.run(row.rule)
		name := row.name
		if row.rule == rule(r.chosen) {
			name = "**" + name + "**"
		}
		fmt.Fprintf(&b, "| %s | %.2f | %.2f | %.2f | %.1f | %d | %.1f | %d | %s |", name, o.weekly, o.monthly, o.any, o.layers, o.most, o.fresh, o.crossed, mb(o.crossing))
		for _, e := range o.each {
			fmt.Fprintf(&b, " %s |", mb(e.weekly))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// named is a rule with its name in a table.
type named struct {
	name string
	rule rule
}

// rules compares ways to choose a bucket, all with the other values that were chosen.
func (r *report) rules() string {
	c := r.chosen
	with := func(bucket bucketRule) rule {
		return &variant{own: c.Own, max: c.Max, shared: c.Buckets, bucket: bucket}
	}
	rows := []named{{"one layer for all", together{}}, {"one layer for each wheel", apart{}}, {"before: 4 MB, 8 buckets, 32", former}, {"modulo of the hash", c}}
	for salt := range 4 {
		rows = append(rows, named{fmt.Sprintf("modulo of another hash (%d)", salt+1), with(salted(salt, c.Buckets))})
	}
	half := c.Buckets / 2
	rows = append(rows, named{"rendezvous", with(rendezvous(c.Buckets))}, named{"jump hash", with(jump(c.Buckets))},
		named{"first word of the name", with(family(c.Buckets))}, named{"power of two of the size", with(powers(c.Buckets))})
	for _, split := range []int64{50_000, 100_000, 200_000} {
		rows = append(rows, named{fmt.Sprintf("below and above %d kB, by hash", split/1000), with(classes(split, half, c.Buckets-half))})
	}
	return r.table("bucket by", rows)
}

func (r *report) owns() string {
	var rows []named
	for _, own := range ownSizes {
		rows = append(rows, named{ownName(own), plan.Grouping{Max: r.chosen.Max, Own: own, Buckets: r.chosen.Buckets}})
	}
	return r.table("`own`", rows)
}

func (r *report) buckets() string {
	var rows []named
	for _, n := range bucketCounts {
		rows = append(rows, named{fmt.Sprint(n), plan.Grouping{Max: r.chosen.Max, Own: r.chosen.Own, Buckets: n}})
	}
	return r.table("buckets", rows)
}

func (r *report) maxima() string {
	var rows []named
	for _, n := range maxLayers {
		rows = append(rows, named{fmt.Sprint(n), plan.Grouping{Max: n, Own: r.chosen.Own, Buckets: r.chosen.Buckets}})
	}
	return r.table("`max`", rows)
}

// charts draws the curves, by the names of their files.
func (r *report) charts() map[string][]byte {
	own := chart.Lines{Title: "Bytes pushed in a week of upgrades, by project", X: "own: the smallest wheel with a layer of its own", Y: "times the bytes of the wheels that changed"}
	var mean chart.Series
	mean.Name, mean.Ours = "geometric mean", true
	each := make([]chart.Series, len(r.histories))
	for i, size := range ownSizes {
		o := r.run(plan.Grouping{Max: r.chosen.Max, Own: size, Buckets: r.chosen.Buckets})
		mean.Points = append(mean.Points, chart.Point{X: float64(i), Y: o.weekly, Label: ownName(size)})
		for j, e := range o.each {
			each[j].Name = r.histories[j].project
			each[j].Points = append(each[j].Points, chart.Point{X: float64(i), Y: e.weekly / r.lowest[j].weekly, Label: ownName(size)})
		}
	}
	own.Series = append(each, mean)

	curve := chart.Lines{Title: "Layers and bytes: each line is a size, each point a number of buckets", X: "layers of dependencies, average of the projects",
		Y: "times the bytes of the wheels that changed in the week"}
	for _, size := range ownSizes[:len(ownSizes)-2] {
		s := chart.Series{Name: "own " + ownName(size), Ours: size == r.chosen.Own}
		for _, n := range bucketCounts[2:] {
			o := r.run(plan.Grouping{Max: r.chosen.Max, Own: size, Buckets: n})
			s.Points = append(s.Points, chart.Point{X: o.layers, Y: o.weekly})
		}
		curve.Series = append(curve.Series, s)
	}

	compared := chart.Bars{Title: "MB pushed in a week of upgrades", Unit: "MB", Log: true}
	for _, h := range r.histories {
		for _, row := range []named{{"one layer for all", together{}}, {"own 4 MB, max 32", former}, {"own " + ownName(r.chosen.Own), r.chosen}, {"one for each wheel", apart{}}} {
			o := replay(h, row.rule)
			compared.Bars = append(compared.Bars, chart.Bar{Group: fmt.Sprintf("%s, %d wheels", h.project, len(h.days[len(h.days)-1])), Label: row.name, Value: o.weekly / 1e6,
				Note: count(o.layers), Ours: row.rule == rule(r.chosen)})
		}
	}
	return map[string][]byte{"own": own.SVG(), "layers": curve.SVG(), "projects": compared.SVG()}
}

func ownName(own int64) string {
	switch {
	case own == everything:
		return "none"
	case own < 1_000_000:
		return fmt.Sprintf("%d kB", own/1000)
	}
	return fmt.Sprintf("%d MB", own/1_000_000)
}

func count(layers float64) string {
	if layers == 1 {
		return "1 layer"
	}
	return fmt.Sprintf("%.0f layers", layers)
}

func mb(bytes float64) string { return chart.Number(bytes / 1e6) }

// replace puts a text between the markers of a part of a markdown file.
func replace(text []byte, part, with string) ([]byte, error) {
	begin, end := fmt.Sprintf("<!-- %s -->\n", part), fmt.Sprintf("<!-- /%s -->\n", part)
	before, rest, ok := bytes.Cut(text, []byte(begin))
	_, after, closed := bytes.Cut(rest, []byte(end))
	if !ok || !closed {
		return nil, fmt.Errorf("the markers of %q are not there", part)
	}
	return bytes.Join([][]byte{before, []byte(begin + with + end), after}, nil), nil
}
