package main

import (
	"math"
	"strings"

	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/plan"
)

// outcome is what a rule costs a project, in bytes of wheels unless it says otherwise.
type outcome struct {
	weekly   float64 // pushed in a week, on average, which is what a node pulls that follows every week
	monthly  float64 // pulled in four weeks by a node that follows every fourth
	any      float64 // pushed when one package changes, the average over all packages
	layers   float64 // on average
	fresh    float64 // layers pushed in a week, on average
	most     int     // layers, at most
	crossed  int     // how often a wheel went from a layer of its own to a bucket or back
	crossing float64 // pushed in the year for no other reason than that
}

// layers are the layers of an image: their bytes by what is in them. Equal wheels make equal layers, whatever the group is called.
func layers(groups []plan.Group) map[string]int64 {
	out := make(map[string]int64, len(groups))
	for _, g := range groups {
		out[content(g)] = size(g.Wheels)
	}
	return out
}

// content names what is in a layer.
func content(g plan.Group) string {
	var b strings.Builder
	for _, w := range g.Wheels {
		b.WriteString(w.Filename)
		b.WriteByte('\n')
	}
	return b.String()
}

func size(wheels []lock.Artifact) int64 {
	var n int64
	for _, w := range wheels {
		n += w.Size
	}
	return n
}

// moved are the bytes of the layers of an image that another does not have, and how many these are.
func moved(from, to map[string]int64) (int64, int) {
	var bytes int64
	n := 0
	for id, size := range to {
		if _, there := from[id]; !there {
			bytes += size
			n++
		}
	}
	return bytes, n
}

// replay runs a project's history with a rule.
func replay(h history, r rule) outcome {
	var o outcome
	images := make([]map[string]int64, len(h.days))
	groups := make([][]plan.Group, len(h.days))
	for i, wheels := range h.days {
		groups[i] = r.Groups(wheels)
		images[i] = layers(groups[i])
		o.layers += float64(len(images[i])) / float64(len(h.days))
		o.most = max(o.most, len(images[i]))
		var squares float64 // a group's bytes once for each of its wheels
		for _, g := range groups[i] {
			squares += float64(size(g.Wheels)) * float64(len(g.Wheels))
		}
		o.any += squares / float64(len(wheels)) / float64(len(h.days))
	}
	n := float64(len(h.days) - 1)
	for i := 1; i < len(images); i++ {
		week, fresh := moved(images[i-1], images[i])
		o.weekly += float64(week) / n
		o.fresh += float64(fresh) / n
		if i >= 4 {
			four, _ := moved(images[i-4], images[i])
			o.monthly += float64(four) / (n - 3)
		}
		crossed, bytes := crossings(groups[i-1], groups[i])
		o.crossed += crossed
		o.crossing += float64(bytes)
	}
	return o
}

// crossings counts the wheels that are alone in one image and share in the other, and the bytes of buckets in which nothing else changed.
func crossings(from, to []plan.Group) (int, int64) {
	was, is := places(from), places(to)
	n, crossers := 0, map[string]bool{}
	for name, now := range is {
		if before, there := was[name]; there && isBucket(before) != isBucket(now) {
			n++
			crossers[name] = true
		}
	}
	if n == 0 {
		return 0, 0
	}
	rest := func(groups []plan.Group) (map[string]string, map[string]int64) {
		without, sizes := map[string]string{}, map[string]int64{}
		for _, g := range groups {
			if !isBucket(g.ID) {
				continue
			}
			kept := plan.Group{}
			for _, w := range g.Wheels {
				if !crossers[w.Name] {
					kept.Wheels = append(kept.Wheels, w)
				}
			}
			without[g.ID], sizes[g.ID] = content(kept), size(kept.Wheels)
		}
		return without, sizes
	}
	before, _ := rest(from)
	after, sizes := rest(to)
	touched := map[string]bool{}
	for name := range crossers {
		for _, id := range []string{was[name], is[name]} {
			touched[id] = isBucket(id)
		}
	}
	var bytes int64
	for id, shared := range touched {
		if shared && before[id] == after[id] {
			bytes += sizes[id]
		}
	}
	return n, bytes
}

// places are the groups of wheels, by name.
func places(groups []plan.Group) map[string]string {
	out := map[string]string{}
	for _, g := range groups {
		for _, w := range g.Wheels {
			out[w.Name] = g.ID
		}
	}
	return out
}

// isBucket tells whether a group's wheels share it by rule, even if there is only one.
func isBucket(id string) bool { return strings.Contains(id, " ") }

// releases applies every change of a package that happened in the year alone, and returns the average of the bytes pushed and their number.
func releases(h history, r rule) (float64, int) {
	var bytes float64
	n := 0
	for i := 1; i < len(h.days); i++ {
		before := h.days[i-1]
		image := layers(r.Groups(before))
		next := map[string]lock.Artifact{}
		for _, w := range h.days[i] {
			next[w.Name] = w
		}
		for j, w := range before {
			w, there := next[w.Name]
			if !there || w.Filename == before[j].Filename {
				continue
			}
			after := append([]lock.Artifact(nil), before...)
			after[j] = w
			pushed, _ := moved(image, layers(r.Groups(after)))
			bytes += float64(pushed)
			n++
		}
	}
	return bytes / float64(max(1, n)), n
}

// geomean is the geometric mean: ratios of projects of any size count alike.
func geomean(values []float64) float64 {
	var logs float64
	for _, v := range values {
		logs += math.Log(v)
	}
	return math.Exp(logs / float64(len(values)))
}
