package diagnosis

import (
	"bytes"
	"io"
)

// longestEnd is how much of the end of an output is kept, in bytes. The reason of a failure stands there.
const longestEnd = 256 << 10

// Transcript passes on what a program prints, and keeps the end of it.
type Transcript struct {
	To io.Writer // may be nil

	ring  []byte // grows to longestEnd
	start int    // of the oldest byte, once the ring is full
	cut   bool   // more was printed than is kept
}

func (t *Transcript) Write(p []byte) (int, error) {
	n := len(p)
	if t.To != nil {
		if n, err := t.To.Write(p); err != nil {
			return n, err
		}
	}
	if len(p) > longestEnd {
		p, t.cut = p[len(p)-longestEnd:], true
	}
	grow := min(longestEnd-len(t.ring), len(p))
	t.ring = append(t.ring, p[:grow]...)
	t.cut = t.cut || grow < len(p)
	for p = p[grow:]; len(p) > 0; {
		k := copy(t.ring[t.start:], p)
		t.start, p = (t.start+k)%longestEnd, p[k:]
	}
	return n, nil
}

// End is what was kept, from the start of a line.
func (t *Transcript) End() []byte {
	out := append(append(make([]byte, 0, len(t.ring)), t.ring[t.start:]...), t.ring[:t.start]...)
	if t.cut {
		if _, rest, ok := bytes.Cut(out, []byte("\n")); ok {
			return rest
		}
	}
	return out
}
