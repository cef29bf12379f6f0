package index

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// progress is a line for people about work that takes longer than they like to wait without a word.
type progress struct {
	output io.Writer
	format string // of two numbers: done and all
}

const (
	firstWord = time.Second
	nextWord  = 5 * time.Second
)

// each calls do for 0 to n-1, so many at a time, until ctx ends. It returns when all calls have.
func each(ctx context.Context, n, parallel int, p progress, do func(int)) {
	var next, done atomic.Int64
	var workers sync.WaitGroup
	for range min(n, parallel) {
		workers.Go(func() {
			for i := int(next.Add(1)) - 1; i < n && ctx.Err() == nil; i = int(next.Add(1)) - 1 {
				do(i)
				done.Add(1)
			}
		})
	}
	finished := make(chan struct{})
	var talker sync.WaitGroup
	talker.Go(func() {
		for wait := firstWord; ; wait = nextWord {
			t := time.NewTimer(wait)
			select {
			case <-t.C:
				if p.output != nil {
					fmt.Fprintf(p.output, p.format+"\n", done.Load(), n)
				}
			case <-finished:
				t.Stop()
				return
			}
		}
	})
	workers.Wait()
	close(finished)
	talker.Wait()
}

// failures collects what went wrong with several packages or files. The zero value is ready.
type failures struct {
	mutex sync.Mutex
	names map[cause][]string
}

// cause is a reason that several packages may share.
type cause struct{ where, reason string }

func (fs *failures) add(name, where string, err error) {
	fs.mutex.Lock()
	defer fs.mutex.Unlock()
	if fs.names == nil {
		fs.names = map[cause][]string{}
	}
	c := cause{where, err.Error()}
	fs.names[c] = append(fs.names[c], name)
}

// named is how many names one line shows.
const named = 5

// err is one line per cause, in the order of the names, or nil. What says what could not be done.
func (fs *failures) err(what string) error {
	lines := map[string]error{}
	for c, names := range fs.names {
		slices.Sort(names)
		names = slices.Compact(names)
		key := strings.Join(append(slices.Clone(names), c.where, c.reason), "\n")
		list := strings.Join(names, ", ")
		if len(names) > named {
			list = fmt.Sprintf("%s and %d more", strings.Join(names[:named], ", "), len(names)-named)
		}
		if c.where == "" {
			lines[key] = fmt.Errorf("%s %s: %s", list, what, c.reason)
		} else {
			lines[key] = fmt.Errorf("%s %s at %s: %s", list, what, c.where, c.reason)
		}
	}
	errs := make([]error, 0, len(lines))
	for _, key := range slices.Sorted(maps.Keys(lines)) {
		errs = append(errs, lines[key])
	}
	return errors.Join(errs...)
}
