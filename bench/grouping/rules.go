package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strings"

	"github.com/org/pyfile/lock"
	"github.com/org/pyfile/plan"
)

// rule divides wheels into groups, by their names and sizes alone.
type rule interface {
	Groups(wheels []lock.Artifact) []plan.Group
}

// together is one layer for all wheels, as a Dockerfile has it.
type together struct{}

func (together) Groups(wheels []lock.Artifact) []plan.Group {
	return []plan.Group{{ID: "all", Wheels: wheels}}
}

// apart is one layer for each wheel, with which nothing moves that did not change: the lower bound.
type apart struct{}

func (apart) Groups(wheels []lock.Artifact) []plan.Group {
	out := make([]plan.Group, len(wheels))
	for i, w := range wheels {
		out[i] = plan.Group{ID: w.Name, Wheels: wheels[i : i+1]}
	}
	return out
}

// variant is a rule with large wheels alone, as plan.Grouping has it, and any way to choose the bucket of the others.
type variant struct {
	own    int64
	max    int
	shared int // buckets in all, at most
	bucket bucketRule
}

// bucketRule chooses the bucket of a wheel, counted from zero.
type bucketRule func(w lock.Artifact) int

func (v *variant) Groups(wheels []lock.Artifact) []plan.Group {
	large := slices.DeleteFunc(slices.Clone(wheels), func(w lock.Artifact) bool { return w.Size < v.own || w.Size == 0 })
	slices.SortStableFunc(large, func(a, b lock.Artifact) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.Name, b.Name))
	})
	large = large[:min(len(large), v.max-v.shared)]
	alone := map[string]bool{}
	for _, w := range large {
		alone[w.Name] = true
	}
	var out []plan.Group
	shared := make([]plan.Group, v.shared)
	for _, w := range wheels {
		if alone[w.Name] {
			out = append(out, plan.Group{ID: w.Name, Wheels: []lock.Artifact{w}})
			continue
		}
		i := v.bucket(w)
		shared[i].ID = fmt.Sprintf("bucket %d", i+1)
		shared[i].Wheels = append(shared[i].Wheels, w)
	}
	return append(out, slices.DeleteFunc(shared, func(g plan.Group) bool { return len(g.Wheels) == 0 })...)
}

// sum is a hash of a text.
func sum(text string) uint64 {
	s := sha256.Sum256([]byte(text))
	return binary.BigEndian.Uint64(s[:8])
}

// salted is the modulo of another hash for each salt: how much they differ is luck with names.
func salted(salt, n int) bucketRule {
	return func(w lock.Artifact) int { return int(sum(fmt.Sprintf("%d %s", salt, w.Name)) % uint64(n)) }
}

// rendezvous gives a wheel to the bucket whose hash together with the name is the highest (Thaler and Ravishankar).
func rendezvous(n int) bucketRule {
	return func(w lock.Artifact) int {
		best, at := uint64(0), 0
		for i := range n {
			if h := sum(fmt.Sprintf("%s %d", w.Name, i)); h > best {
				best, at = h, i
			}
		}
		return at
	}
}

// jump is the consistent hash of Lamping and Veach.
func jump(n int) bucketRule {
	return func(w lock.Artifact) int {
		key, b, j := sum(w.Name), int64(-1), int64(0)
		for j < int64(n) {
			b = j
			key = key*2862933555777941757 + 1
			j = int64(float64(b+1) * (float64(int64(1)<<31) / float64((key>>33)+1)))
		}
		return int(b)
	}
}

// family is the modulo of the hash of a name's first word, so that what has one vendor has one bucket: google-*, opentelemetry-*.
func family(n int) bucketRule {
	return func(w lock.Artifact) int {
		first, _, _ := strings.Cut(w.Name, "-")
		return int(sum(first) % uint64(n))
	}
}

// classes keeps wheels of at least split bytes from the smaller ones, so that a small one does not move them: the last large buckets are
// theirs.
func classes(split int64, small, large int) bucketRule {
	return func(w lock.Artifact) int {
		if w.Size >= split {
			return small + int(sum(w.Name)%uint64(large))
		}
		return int(sum(w.Name) % uint64(small))
	}
}

// powers is a class for each power of two of the size: the extreme of classes.
func powers(n int) bucketRule {
	return func(w lock.Artifact) int { return min(n-1, max(0, bits.Len64(uint64(w.Size))-12)) }
}

// everything is a size that no wheel has.
const everything = int64(math.MaxInt64)
