package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/org/pyfile/lock"
)

// Defaults of [layers], and how many groups small wheels share: where a year of real releases has its bend (docs/grouping.md). Fewer layers
// push much more, many more layers push little less.
const (
	defaultLayers = 48
	defaultOwn    = 1_000_000 // bytes
	maxBuckets    = 8
)

// Group is the wheels that share an install step and a layer.
type Group struct {
	ID     string
	Wheels []lock.Artifact // sorted by name
}

// Grouping is a rule that divides wheels into groups. It knows nothing but their names and sizes, so that it needs no memory of former builds.
type Grouping struct {
	Max     int   // at most so many groups, at least Buckets
	Own     int64 // a wheel of at least so many bytes is a group of its own, while there is room
	Buckets int   // groups that the other wheels share
}

// NewGrouping is the rule that [layers] asks for.
func NewGrouping(max int, own int64) Grouping {
	return Grouping{Max: max, Own: own, Buckets: min(maxBuckets, (max+3)/4)}
}

// DefaultGrouping is the rule without a word in the Pyfile.
func DefaultGrouping() Grouping { return NewGrouping(defaultLayers, defaultOwn) }

// Groups divides wheels into groups. A wheel of at least Own bytes is a group of its own, largest first while there is
// room; the others, and those of unknown size, go to buckets by the hash of their name. Adding, removing or bumping one dependency
// makes one new group, two when a wheel crosses the size or takes the last place of its own from another, three when it does that
// by growing. Groups are in a stable order: sizes do not decide it, because a bump must not reorder layers.
func (g Grouping) Groups(wheels []lock.Artifact) []Group {
	large := slices.DeleteFunc(slices.Clone(wheels), func(w lock.Artifact) bool { return w.Size < g.Own || w.Size == 0 })
	slices.SortStableFunc(large, func(a, b lock.Artifact) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.Name, b.Name))
	})
	large = large[:min(len(large), g.Max-g.Buckets)]
	alone := map[string]bool{}
	for _, w := range large {
		alone[w.Name] = true
	}
	var out []Group
	shared := make([]Group, g.Buckets)
	for _, w := range wheels {
		if alone[w.Name] {
			out = append(out, Group{ID: w.Name, Wheels: []lock.Artifact{w}})
			continue
		}
		sum := sha256.Sum256([]byte(w.Name))
		i := int(binary.BigEndian.Uint32(sum[:4]) % uint32(g.Buckets))
		shared[i].ID = fmt.Sprintf("bucket %d", i+1) // no package has a name with a space
		shared[i].Wheels = append(shared[i].Wheels, w)
	}
	for _, g := range shared {
		if len(g.Wheels) > 0 {
			out = append(out, g)
		}
	}
	return out
}
