package plan

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/org/pyfile/lock"
)

// Defaults of [layers].
const (
	defaultLayers = 32
	defaultOwn    = 4_000_000 // bytes
	maxBuckets    = 8
)

// group is the wheels that share an install step and a layer.
type group struct {
	ID     string
	Wheels []lock.Artifact // sorted by name
}

// groups divides wheels into at most max groups. A wheel of at least own bytes is a group of its own, largest first while there is
// room; the others go to buckets by the hash of their name. The number of buckets depends on max alone, so adding, removing
// or bumping one dependency changes one group, two when a wheel crosses the size. Groups are in a stable order: sizes do not
// decide it, because a bump must not reorder layers.
func groups(wheels []lock.Artifact, max int, own int64) []group {
	buckets := min(maxBuckets, (max+3)/4)
	large := slices.DeleteFunc(slices.Clone(wheels), func(w lock.Artifact) bool { return w.Size < own || w.Size == 0 })
	slices.SortStableFunc(large, func(a, b lock.Artifact) int {
		return cmp.Or(cmp.Compare(b.Size, a.Size), cmp.Compare(a.Name, b.Name))
	})
	large = large[:min(len(large), max-buckets)]
	alone := map[string]bool{}
	for _, w := range large {
		alone[w.Name] = true
	}
	var out []group
	shared := make([]group, buckets)
	for _, w := range wheels {
		if alone[w.Name] {
			out = append(out, group{ID: w.Name, Wheels: []lock.Artifact{w}})
			continue
		}
		sum := sha256.Sum256([]byte(w.Name))
		i := int(binary.BigEndian.Uint32(sum[:4]) % uint32(buckets))
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
