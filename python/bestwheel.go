package python

import (
	"cmp"
	"strings"
)

// BestWheel is [Selector.Best] for one choice.
func BestWheel(filenames []string, tags []Tag) (index int, ok bool) {
	return NewSelector(tags).Best(filenames)
}

// Selector chooses wheels for the tags of one target. It does not change, so that several choices can be made at the same time.
type Selector struct {
	tags  []Tag
	sieve *sieve
}

// NewSelector returns a selector for tags, best first as [Target.Tags] gives them.
func NewSelector(tags []Tag) *Selector { return &Selector{tags, newSieve(tags)} }

// Best returns the wheel that the first of the tags accepts. Of several with one tag the highest build tag wins, then the first. File
// names that are no wheel names are passed over.
func (s *Selector) Best(filenames []string) (index int, ok bool) {
	// The few tags of the wheels go into the map, and the many tags of the target are looked up in it. Most of those
	// are for platforms that no wheel names; the length of the platform tells so without hashing.
	type candidate struct {
		index int
		build string
	}
	best := make(map[Tag]candidate)
	var lengths [4]uint64
	for i, filename := range filenames {
		if !s.sieve.mayFit(filename) {
			continue
		}
		w, err := ParseWheelName(filename)
		if err != nil {
			continue
		}
		for _, tag := range w.Tags {
			if c, taken := best[tag]; !taken || compareBuild(w.Build, c.build) > 0 {
				best[tag] = candidate{i, w.Build}
			}
			n := uint8(len(tag.Platform))
			lengths[n/64] |= 1 << (n % 64)
		}
	}
	for _, tag := range s.tags {
		if n := uint8(len(tag.Platform)); lengths[n/64]&(1<<(n%64)) == 0 {
			continue
		}
		if c, ok := best[tag]; ok {
			return c.index, true
		}
	}
	return 0, false
}

// sieve tells of most wheels that they do not fit without taking their names apart. For each part of the tags it has a bit for each
// hash that a value of that part has.
type sieve struct {
	python, abi, platform [4]uint64
}

func newSieve(tags []Tag) *sieve {
	var s sieve
	// A target's tags name the same platforms again and again, and at the same distance.
	last, distance := Tag{}, 0
	for i, tag := range tags {
		if tag.Python != last.Python {
			add(&s.python, tag.Python)
			distance = cmp.Or(distance, i)
		}
		if tag.ABI != last.ABI {
			add(&s.abi, tag.ABI)
			distance = cmp.Or(distance, i)
		}
		if distance == 0 || tags[i-distance].Platform != tag.Platform {
			add(&s.platform, tag.Platform)
		}
		last = tag
	}
	return &s
}

// mayFit is false when no tag of a wheel is among those that the sieve was made of. Of other names it may say anything.
func (s *sieve) mayFit(filename string) bool {
	rest, ok := strings.CutSuffix(filename, ".whl")
	for _, set := range []*[4]uint64{&s.platform, &s.abi, &s.python} {
		dash := strings.LastIndexByte(rest, '-')
		if !ok || dash < 0 || !holdsOneOf(set, rest[dash+1:]) {
			return false
		}
		rest = rest[:dash]
	}
	return true
}

func add(set *[4]uint64, value string) {
	h := sieveHash(value)
	set[h/64] |= 1 << (h % 64)
}

func holdsOneOf(set *[4]uint64, dotted string) bool {
	for more := true; more; {
		var value string
		value, dotted, more = strings.Cut(dotted, ".")
		if h := sieveHash(value); set[h/64]&(1<<(h%64)) != 0 {
			return true
		}
	}
	return false
}

// sieveHash is the same for a value in upper and in lower case. The end of a value tells most: the machine, the minor version.
func sieveHash(value string) uint8 {
	h := uint8(len(value))
	for i := max(0, len(value)-3); i < len(value); i++ {
		h = h*31 + (value[i] | 0x20)
	}
	return h
}
