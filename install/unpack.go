package install

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
)

// unpack writes all files, in parallel, each checked while it is written. It warns of the paths that several wheels want with
// different content.
func (l *layout) unpack(ctx context.Context) error {
	for _, dir := range l.dirs {
		if err := os.Mkdir(filepath.Join(l.options.Out, dir), 0o755); err != nil {
			return err
		}
	}
	queue := slices.DeleteFunc(slices.Clone(l.files), func(f *file) bool { return f.last })
	// The largest first, so that no worker is left alone with one at the end.
	slices.SortStableFunc(queue, func(a, b *file) int { return cmp.Compare(b.size(), a.size()) })

	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var next atomic.Int64
	var workers sync.WaitGroup
	for range min(jobs(l.options.Jobs), len(queue)) {
		workers.Go(func() {
			buf := make([]byte, 256<<10)
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(queue) {
					return
				}
				f := queue[i]
				f.err = l.write(f, buf)
				var disk *writeError
				if errors.As(f.err, &disk) {
					stop(disk)
				}
			}
		})
	}
	workers.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err := l.damaged(); err != nil {
		return err
	}
	l.overwritten()
	return nil
}

// size is what decides how long a file takes.
func (f *file) size() uint64 {
	if f.member == nil {
		return uint64(len(f.data))
	}
	return f.member.UncompressedSize64
}

// write writes one file and fills its row of RECORD if its content is made here.
func (l *layout) write(f *file, buf []byte) error {
	data := f.data
	if f.script {
		var err error
		if data, err = l.readScript(f, buf); err != nil {
			return err
		}
	}
	if data == nil {
		var sum hash.Hash
		if f.shared || l.options.Facts != "" && !f.listed() {
			sum = sha256.New()
		}
		err := l.create(f, func(w io.Writer) error { return extract(w, f.member.File, f.member.want, sum, buf) })
		if sum != nil {
			sum.Sum(f.sum[:0])
		}
		return err
	}
	f.sum = sha256.Sum256(data)
	f.record = formatRow("", f.sum, int64(len(data)))
	return l.create(f, func(w io.Writer) error {
		if _, err := w.Write(data); err != nil {
			return &writeError{err}
		}
		return nil
	})
}

// create makes the file and lets fill write it. The tree was empty and has no links, so a new name is always below Out.
func (l *layout) create(f *file, fill func(io.Writer) error) error {
	if f.hidden {
		return fill(io.Discard)
	}
	mode := os.FileMode(0o644)
	if f.exec {
		mode = 0o755
	}
	w, err := os.OpenFile(filepath.Join(l.options.Out, f.dest), os.O_RDWR|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return &writeError{err}
	}
	if l.options.Facts == "" && !l.options.Strip {
		err = fill(w)
	} else {
		head := magic{Writer: w}
		if err = fill(&head); err == nil && head.isELF() {
			err = l.finish(f, w)
		}
	}
	if e := w.Close(); err == nil && e != nil {
		err = &writeError{e}
	}
	return err
}

// finish strips an ELF file that was written, and reads it for the facts.
func (l *layout) finish(f *file, w *os.File) error {
	if l.options.Strip && !f.seal {
		if err := f.strip(w); err != nil {
			return &writeError{err}
		}
	}
	if l.options.Facts != "" {
		f.object = readObject(w)
	}
	return nil
}

// readScript returns the text of a script whose first line names Python, with the line replaced; nil if there is nothing to replace.
func (l *layout) readScript(f *file, buf []byte) ([]byte, error) {
	r, err := f.member.Open()
	if err != nil {
		return nil, fmt.Errorf("%q cannot be read: %w", f.member.Name, err)
	}
	head := make([]byte, len(shebang))
	_, err = io.ReadFull(r, head)
	r.Close()
	if err != nil || string(head) != shebang {
		return nil, nil // what is wrong with it, extract finds
	}
	if f.member.UncompressedSize64 > maxScript {
		return nil, fmt.Errorf("%q is too large for a script", f.member.Name)
	}
	var text bytes.Buffer
	if err := extract(&text, f.member.File, f.member.want, nil, buf); err != nil {
		return nil, err
	}
	return setInterpreter(text.Bytes(), l.options.Prefix+"/bin/python"), nil
}

// damaged returns the errors of all files, in the order of the wheels.
func (l *layout) damaged() error {
	var errs []error
	for i := 0; i < len(l.files); {
		w := l.files[i].wheel
		var list []error
		for ; i < len(l.files) && l.files[i].wheel == w; i++ {
			if err := l.files[i].err; err != nil {
				list = append(list, err)
			}
		}
		if len(list) > 0 {
			errs = append(errs, problems(w.file, list))
		}
	}
	return errors.Join(errs...)
}

// overwritten warns of every file that the file of a later wheel replaces. A file that has the same content is the one that is there, also
// when that one was stripped.
func (l *layout) overwritten() {
	winner := map[string]*file{}
	for _, f := range l.files {
		if f.shared && !f.hidden {
			winner[f.dest] = f
		}
	}
	for _, f := range l.files {
		if !f.shared || !f.hidden {
			continue
		}
		switch w := winner[f.dest]; {
		case f.sum != w.sum:
			warnf(l.options.Output, "/%s of %s is replaced by the one of %s, which differs", f.dest, f.wheel.file, w.wheel.file)
		case l.options.Strip:
			f.record = w.record
		}
	}
}
