package plan

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/lock"
)

func TestGroupsHoldEveryWheelOnceAndAtMostMax(t *testing.T) {
	sizes := make([]int64, 300)
	for i := range sizes {
		sizes[i] = int64(i) * 100_000
	}
	for _, max := range []int{1, 2, 3, 8, 32, 100} {
		all := wheels(sizes...)
		seen := map[string]int{}
		gs := NewGrouping(max, defaultOwn).Groups(all)
		for _, g := range gs {
			for _, w := range g.Wheels {
				seen[w.Name]++
			}
		}
		if len(gs) > max || len(seen) != len(all) {
			t.Errorf("max %d: %d groups, %d wheels", max, len(gs), len(seen))
		}
	}
}

func TestBumpingOneDependencyChangesOneGroup(t *testing.T) {
	before := wheels(10, 20, 5_000_000, 30, 40, 50, 60, 9_000_000)
	for i := range before {
		after := append([]lock.Artifact{}, before...)
		after[i].Version = "2"
		changed := 0
		a, b := NewGrouping(defaultLayers, defaultOwn).Groups(before), NewGrouping(defaultLayers, defaultOwn).Groups(after)
		if len(a) != len(b) {
			t.Fatalf("bump %d: %d groups became %d", i, len(a), len(b))
		}
		for j := range a {
			x, _ := json.Marshal(a[j])
			y, _ := json.Marshal(b[j])
			if string(x) != string(y) {
				changed++
			}
		}
		if changed != 1 {
			t.Errorf("bump %d changed %d groups", i, changed)
		}
	}
}

// many makes wheels of sizes like those of real projects: most are small, a few are huge, some are unknown.
func many(n int) []lock.Artifact {
	out := make([]lock.Artifact, n)
	for i := range out {
		name := fmt.Sprintf("package-%03d", i)
		out[i] = lock.Artifact{Name: name, Version: "1", Kind: lock.Wheel, Filename: name + "-1-py3-none-any.whl", Size: int64(10_000+i*i%977*1_000) << (i % 11)}
		if i%17 == 0 {
			out[i].Size = 0
		}
	}
	return out
}

// made lists the groups that one division has and another has not, by what is in them.
func made(before, after []Group) []string {
	content := func(g Group) string {
		var names []string
		for _, w := range g.Wheels {
			names = append(names, w.Name+" "+w.Version)
		}
		return strings.Join(names, ", ")
	}
	there := map[string]bool{}
	for _, g := range before {
		there[content(g)] = true
	}
	var out []string
	for _, g := range after {
		if c := content(g); !there[c] {
			out = append(out, c)
		}
	}
	return out
}

func TestAProjectOf400WheelsStaysUnderTheLayersOfEveryEngine(t *testing.T) {
	all := many(400)
	groups := DefaultGrouping().Groups(all)
	if len(groups) != defaultLayers {
		t.Errorf("%d groups, though there are large wheels enough for %d", len(groups), defaultLayers)
	}
	for i := range all {
		after := slices.Clone(all)
		after[i].Version = "2"
		if new := made(groups, DefaultGrouping().Groups(after)); len(new) != 1 {
			t.Fatalf("a bump of %s makes %d groups: %v", all[i].Name, len(new), new)
		}
	}
	// Base of 5 layers, account, packages, three notes, standard library, runtime, 16 built packages and those that share, application.
	const others, engine = 5 + 1 + 1 + 3 + 1 + 1 + 17 + 1, 127
	const largest = 90 // of layers.max
	if others+largest > engine {
		t.Errorf("%d layers of dependencies and %d others are more than %d", largest, others, engine)
	}
}

func TestUnknownSizesShareBucketsAndStayThere(t *testing.T) {
	all := many(60)
	for i := range all {
		all[i].Size = 0
	}
	groups := DefaultGrouping().Groups(all)
	if len(groups) != maxBuckets {
		t.Fatalf("%d groups", len(groups))
	}
	for i := range all {
		after := slices.Clone(all)
		after[i].Version, after[i].Size = "2", 1_000
		if new := made(groups, DefaultGrouping().Groups(after)); len(new) != 1 {
			t.Errorf("a bump of %s with a size makes %v", all[i].Name, new)
		}
	}
}

func TestOrderOfGroupsDoesNotFollowSizes(t *testing.T) {
	all := wheels(5_000_000, 6_000_000, 7_000_000)
	ids := func() (out []string) {
		for _, g := range DefaultGrouping().Groups(all) {
			out = append(out, g.ID)
		}
		return out
	}
	before := ids()
	all[0].Size = 9_000_000
	if after := ids(); !slices.Equal(before, after) {
		t.Errorf("%v became %v", before, after)
	}
}

// FuzzOneChangeMakesFewGroups changes one wheel of many: adds it, removes it, or bumps it to another size.
func FuzzOneChangeMakesFewGroups(f *testing.F) {
	f.Add(100, 48, int64(250_000), 3, int64(0))
	f.Add(400, 48, int64(250_000), 7, int64(9_000_000))
	f.Add(400, 32, int64(4_000_000), 11, int64(50_000))
	f.Add(30, 1, int64(0), 2, int64(1))
	f.Add(3, 90, int64(1), 0, int64(1<<40))
	f.Fuzz(func(t *testing.T, n, most int, own int64, at int, size int64) {
		n, most, own, size = 1+abs(n)%500, 1+abs(most)%90, max(0, own), max(0, size)
		rule := NewGrouping(most, own)
		all := many(n)
		at = abs(at) % n
		bumped := slices.Clone(all)
		bumped[at].Version, bumped[at].Size = "2", size
		without := slices.Delete(slices.Clone(all), at, at+1)
		groups := rule.Groups(all)
		names := map[string]bool{}
		for _, g := range groups {
			for i, w := range g.Wheels {
				if names[w.Name] || i > 0 && g.Wheels[i-1].Name > w.Name {
					t.Fatalf("%s is there twice or out of order", w.Name)
				}
				names[w.Name] = true
			}
		}
		if len(groups) > most || len(names) != n {
			t.Fatalf("%d groups of at most %d with %d wheels of %d", len(groups), most, len(names), n)
		}
		full := 0
		for _, w := range all {
			if w.Size >= own && w.Size > 0 {
				full++
			}
		}
		crowded := full >= most-rule.Buckets // the next large wheel takes the place of another
		large := func(size int64) bool { return size >= own && size > 0 }
		for _, c := range []struct {
			what          string
			before, after []lock.Artifact
			crosses       bool
		}{
			{"bump", all, bumped, large(all[at].Size) != large(size)},
			{"bump back", bumped, all, large(all[at].Size) != large(size)},
			{"add", without, all, false},
			{"remove", all, without, false},
		} {
			limit := 1
			if c.crosses {
				limit = 2
			}
			if crowded {
				limit = 3
			}
			if new := made(rule.Groups(c.before), rule.Groups(c.after)); len(new) > limit {
				t.Errorf("%s of %s makes %d groups, not %d: %v", c.what, all[at].Name, len(new), limit, new)
			}
		}
	})
}

func abs(n int) int { return max(n, -(n + 1)) }
