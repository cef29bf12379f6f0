package distro

import (
	"bytes"
	"io"
	"strings"
)

// transcript hands the output of a program on and keeps its end, in which the reason of a failure stands.
type transcript struct {
	to  io.Writer // may be nil
	end []byte
}

// longestEnd is how much of the output is kept, in bytes.
const longestEnd = 256 << 10

func (t *transcript) Write(p []byte) (int, error) {
	t.end = append(t.end, p...)
	if len(t.end) > 2*longestEnd {
		t.end = append(t.end[:0], t.end[len(t.end)-longestEnd:]...)
	}
	if t.to == nil {
		return len(p), nil
	}
	return t.to.Write(p)
}

// lines returns the lines of the kept output, without the spaces at their ends.
func (t *transcript) lines() []string {
	var lines []string
	for line := range bytes.Lines(t.end) {
		lines = append(lines, strings.TrimRight(string(line), " \t\r\n"))
	}
	return lines
}
