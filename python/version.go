package python

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Version is a version of PEP 440. The zero Version prints "" and is ordered like "0".
type Version struct {
	text    string // normalised
	epoch   int
	release []int
	pre     prePhase
	preN    int
	post    int // the number plus one; 0 when there is no post-release part
	dev     int // the number plus one; 0 when there is no development part
	local   string
}

// prePhase is the letter of a pre-release, in the order of PEP 440.
type prePhase uint8

const (
	noPre prePhase = iota
	alpha
	beta
	candidate
)

func (p prePhase) String() string {
	return [...]string{"", "a", "b", "rc"}[p]
}

// ParseVersion reads a version in any spelling PEP 440 accepts (appendix B): a leading "v", upper case, the long and
// the alternative words ("alpha", "c", "rev"), other separators, surrounding white space. Numbers must
// fit the machine's int, except those of the local part.
func ParseVersion(s string) (Version, error) {
	text := trimSpace(s)
	p := versionParser{text: text}
	v, ok := p.version()
	if p.overflow {
		return Version{}, fmt.Errorf("version %q has a number that is too large", s)
	}
	if !ok || p.pos != len(text) {
		return Version{}, fmt.Errorf("%q is not a version, want one like 1.2.3 or 2.0rc1", s)
	}
	v.setText(text)
	return v, nil
}

// String returns the normalised form of PEP 440: "1!2.0rc1.post2.dev3+local.4".
func (v Version) String() string { return v.text }

// Release returns the numbers of the release part: 3, 13, 5 for "3.13.5rc1".
func (v Version) Release() []int { return slices.Clone(v.release) }

// IsPrerelease tells whether the version is a pre-release or a development release.
func (v Version) IsPrerelease() bool { return v.pre != noPre || v.dev != 0 }

// Local returns what follows the "+", normalised, or "".
func (v Version) Local() string { return v.local }

// Public returns the version without its local part.
func (v Version) Public() string {
	public, _, _ := strings.Cut(v.text, "+")
	return public
}

// Compare returns -1, 0 or +1 in the order of PEP 440, "Summary of permitted suffixes and relative ordering".
// "1.0" and "1.0.0" are equal.
func (v Version) Compare(w Version) int {
	if c := v.comparePublic(w); c != 0 {
		return c
	}
	return compareLocal(v.local, w.local)
}

// comparePublic is Compare without the local parts.
func (v Version) comparePublic(w Version) int {
	if c := cmp.Compare(v.epoch, w.epoch); c != 0 {
		return c
	}
	if c := compareRelease(v.release, w.release); c != 0 {
		return c
	}
	return cmp.Or(
		cmp.Compare(v.phase(), w.phase()),
		cmp.Compare(v.preN, w.preN),
		cmp.Compare(v.post, w.post),
		cmp.Compare(v.devOrder(), w.devOrder()),
	)
}

// phase orders the pre-release parts: a development release of the bare release, alpha, beta, candidate, none.
func (v Version) phase() int {
	switch {
	case v.pre != noPre:
		return int(v.pre)
	case v.post == 0 && v.dev != 0:
		return 0
	}
	return int(candidate) + 1
}

// devOrder orders the development parts: any number before none.
func (v Version) devOrder() int {
	if v.dev == 0 {
		return math.MaxInt
	}
	return v.dev
}

// compareRelease compares two release parts; the shorter is padded with zeros.
func compareRelease(a, b []int) int {
	for i := range max(len(a), len(b)) {
		if c := cmp.Compare(numberAt(a, i), numberAt(b, i)); c != 0 {
			return c
		}
	}
	return 0
}

// numberAt is the i-th number of a release part, 0 behind its end.
func numberAt(release []int, i int) int {
	if i < len(release) {
		return release[i]
	}
	return 0
}

// compareLocal compares two normalised local parts segment by segment: none before any, words before
// numbers, fewer segments before more.
func compareLocal(a, b string) int {
	for a != "" && b != "" {
		var x, y string
		x, a, _ = strings.Cut(a, ".")
		y, b, _ = strings.Cut(b, ".")
		if c := compareSegment(x, y); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

func compareSegment(a, b string) int {
	switch aNumber, bNumber := isDigits(a), isDigits(b); {
	case aNumber && bNumber:
		return compareDigits(a, b)
	case aNumber:
		return 1
	case bNumber:
		return -1
	}
	return cmp.Compare(a, b)
}

// compareDigits compares two numbers without leading zeros; they may be of any length.
func compareDigits(a, b string) int {
	return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
}

// setText writes the normalised form. When the input already has that form it is kept, which saves a copy.
func (v *Version) setText(input string) {
	var buf [64]byte
	b := v.append(buf[:0])
	if string(b) == input {
		v.text = input
		return
	}
	v.text = string(b)
}

func (v *Version) append(b []byte) []byte {
	if v.epoch != 0 {
		b = strconv.AppendInt(b, int64(v.epoch), 10)
		b = append(b, '!')
	}
	for i, n := range v.release {
		if i > 0 {
			b = append(b, '.')
		}
		b = strconv.AppendInt(b, int64(n), 10)
	}
	if v.pre != noPre {
		b = append(b, v.pre.String()...)
		b = strconv.AppendInt(b, int64(v.preN), 10)
	}
	if v.post != 0 {
		b = append(b, ".post"...)
		b = strconv.AppendInt(b, int64(v.post-1), 10)
	}
	if v.dev != 0 {
		b = append(b, ".dev"...)
		b = strconv.AppendInt(b, int64(v.dev-1), 10)
	}
	if v.local != "" {
		b = append(b, '+')
		b = append(b, v.local...)
	}
	return b
}

// SameVersion tells whether the version of a file or of what is installed is the one that a lock has, however they are written. A lock may
// leave out the local part. A text that is no version is never the same.
func SameVersion(found, locked string) bool {
	f, err := ParseVersion(found)
	if err != nil {
		return false
	}
	l, err := ParseVersion(locked)
	if err != nil {
		return false
	}
	return f.Compare(l) == 0 || l.Local() == "" && f.Public() == l.Public()
}
