package main

import (
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"testing"

	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/plan"
)

// wheel is a wheel of a version.
func wheel(name string, version int, size int64) lock.Artifact {
	return lock.Artifact{Name: name, Version: fmt.Sprint(version), Kind: lock.Wheel, Filename: fmt.Sprintf("%s-%d-py3-none-any.whl", name, version), Size: size}
}

// pairs puts wheels into buckets by the first letter of their names, and those of more than 100 bytes alone.
var pairs = &variant{own: 100, max: 10, shared: 2, bucket: func(w lock.Artifact) int { return int(w.Name[0] - 'a') }}

func TestReplayCountsTheBytesOfLayersThatChanged(t *testing.T) {
	h := history{project: "x", days: [][]lock.Artifact{
		{wheel("a1", 1, 10), wheel("a2", 1, 20), wheel("b1", 1, 5), wheel("big", 1, 1000)},
		{wheel("a1", 2, 12), wheel("a2", 1, 20), wheel("b1", 1, 5), wheel("big", 1, 1000)},                    // a bucket of 32
		{wheel("a1", 2, 12), wheel("a2", 1, 20), wheel("b1", 1, 5), wheel("big", 2, 1100)},                    // alone, 1100
		{wheel("a1", 2, 12), wheel("a2", 1, 20), wheel("b1", 1, 5), wheel("b2", 1, 7), wheel("big", 2, 1100)}, // added: 12
		{wheel("a1", 2, 12), wheel("a2", 2, 200), wheel("b1", 1, 5), wheel("b2", 1, 7), wheel("big", 2, 1100)},
	}}
	o := replay(h, pairs)
	if want := float64(32+1100+12+200+12) / 4; o.weekly != want {
		t.Errorf("%v bytes a week, want %v", o.weekly, want)
	}
	if want := float64(12 + 200 + 12 + 1100); o.monthly != want {
		t.Errorf("%v bytes in four weeks, want %v", o.monthly, want)
	}
	if o.fresh != 5.0/4 {
		t.Errorf("%v new layers a week", o.fresh)
	}
	if o.crossed != 1 || o.crossing != 12 || o.most != 4 {
		t.Errorf("crossed %d with %v bytes, %d layers", o.crossed, o.crossing, o.most)
	}
	if low := replay(h, apart{}); low.weekly != float64(12+1100+7+200)/4 {
		t.Errorf("one layer for each wheel pushes %v", low.weekly)
	}
	if bytes, n := releases(h, pairs); n != 3 || math.Abs(bytes-float64(32+1100+212)/3) > 1e-9 {
		t.Errorf("%d releases of %v bytes", n, bytes)
	}
}

func TestAnyOnePackageIsTheAverageOverThePackages(t *testing.T) {
	h := history{days: [][]lock.Artifact{{wheel("a1", 1, 10), wheel("a2", 1, 20), wheel("b1", 1, 6)}}}
	if o := replay(h, pairs); math.Abs(o.any-(30+30+6)/3.0) > 1e-9 {
		t.Errorf("%v", o.any)
	}
}

func TestEveryVariantPutsEveryWheelIntoOneGroup(t *testing.T) {
	var all []lock.Artifact
	for i := range 200 {
		all = append(all, wheel(fmt.Sprintf("p%03d-x", i), 1, int64(i*i*i)))
	}
	for name, bucket := range map[string]bucketRule{"salted": salted(1, 8), "rendezvous": rendezvous(8), "jump": jump(8), "family": family(8), "powers": powers(8), "classes": classes(1000, 4, 4)} {
		seen := map[string]bool{}
		groups := (&variant{own: 1_000_000, max: 48, shared: 8, bucket: bucket}).Groups(all)
		for _, g := range groups {
			for _, w := range g.Wheels {
				seen[w.Name] = true
			}
		}
		if len(seen) != len(all) || len(groups) > 48 {
			t.Errorf("%s: %d wheels in %d groups", name, len(seen), len(groups))
		}
	}
}

func TestVariantWithTheHashOfPlanIsThatOfPlan(t *testing.T) {
	var all []lock.Artifact
	for i := range 200 {
		all = append(all, wheel(fmt.Sprintf("p%03d", i), 1, int64(i%40)*100_000))
	}
	c := plan.DefaultGrouping()
	v := &variant{own: c.Own, max: c.Max, shared: c.Buckets, bucket: func(w lock.Artifact) int { return int(sum(w.Name) >> 32 % uint64(c.Buckets)) }}
	if !reflect.DeepEqual(v.Groups(all), c.Groups(all)) {
		t.Error("the rules differ, so that variants are compared with something else than the plan's")
	}
}

func TestDaysAreTheEndsOfWeeks(t *testing.T) {
	all := days()
	if len(all) != weeks+1 || all[0] != "2025-11-02" || all[weeks] != lastDay || !slices.IsSorted(all) {
		t.Errorf("%v", all)
	}
}

func TestReportIsWrittenBetweenMarkers(t *testing.T) {
	text := []byte("before\n<!-- own -->\nold\n<!-- /own -->\nafter\n")
	got, err := replace(text, "own", "new\n")
	if err != nil || string(got) != "before\n<!-- own -->\nnew\n<!-- /own -->\nafter\n" {
		t.Errorf("%q, %v", got, err)
	}
	if _, err := replace(text, "max", "new\n"); err == nil {
		t.Error("markers that are not there are no error")
	}
}

func TestDocumentationHasTheMarkersOfEveryTable(t *testing.T) {
	text, err := os.ReadFile("../../docs/grouping.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"projects", "releases", "rules", "own", "buckets", "max"} {
		if _, err := replace(text, part, ""); err != nil {
			t.Error(err)
		}
	}
}
