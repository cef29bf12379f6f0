package step

import (
	"bytes"
	"io"
	"sync"
	"time"
)

// patience is how long the end of a line is waited for.
const patience = 200 * time.Millisecond

// lines passes on whole lines. A program without a buffer, as Python with PYTHONUNBUFFERED, writes a line and its end one after the other,
// and BuildKit loses such a line when it repeats the output of a step that failed (its util/progress/progressui keeps what follows the part
// that it has shown). What has no end yet, as a question or the dots of a test run, is passed on after a while.
type lines struct {
	to io.Writer

	mutex sync.Mutex
	line  []byte // the last, which has not ended
	timer *time.Timer
	err   error // of a write that nobody waited for
}

func (l *lines) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.timer != nil {
		l.timer.Stop()
	}
	l.line = append(l.line, p...)
	l.pass(bytes.LastIndexAny(l.line, "\r\n") + 1)
	if len(l.line) > 0 {
		l.timer = time.AfterFunc(patience, l.end)
	}
	return len(p), l.err
}

// end passes on what has no end.
func (l *lines) end() {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.pass(len(l.line))
}

// pass passes on the first n bytes.
func (l *lines) pass(n int) {
	if n > 0 && l.err == nil {
		_, l.err = l.to.Write(l.line[:n])
	}
	l.line = append(l.line[:0], l.line[n:]...)
}
