package distro

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
)

// contentsOptions make apt fetch the indexes of the files in packages, one for each component and architecture, or one for all
// components where the archive has them so.
var contentsOptions = []string{
	"-o", "Acquire::IndexTargets::deb::Contents-deb::MetaKey=$(COMPONENT)/Contents-$(ARCHITECTURE)",
	"-o", "Acquire::IndexTargets::deb::Contents-deb::ShortDescription=Contents-$(ARCHITECTURE)",
	"-o", "Acquire::IndexTargets::deb::Contents-deb::Description=$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Contents",
	"-o", "Acquire::IndexTargets::deb::Contents-deb::KeepCompressed=true",
	"-o", "Acquire::IndexTargets::deb::Contents-deb::KeepCompressedAs=gz",
	"-o", "Acquire::IndexTargets::deb::Contents-deb::PDiffs=false",
	"-o", "Acquire::IndexTargets::deb::Contents-suite::MetaKey=Contents-$(ARCHITECTURE)",
	"-o", "Acquire::IndexTargets::deb::Contents-suite::ShortDescription=Contents-$(ARCHITECTURE)",
	"-o", "Acquire::IndexTargets::deb::Contents-suite::Description=$(RELEASE) $(ARCHITECTURE) Contents",
	"-o", "Acquire::IndexTargets::deb::Contents-suite::KeepCompressed=true",
	"-o", "Acquire::IndexTargets::deb::Contents-suite::KeepCompressedAs=gz",
	"-o", "Acquire::IndexTargets::deb::Contents-suite::PDiffs=false",
	"-o", "Acquire::IndexTargets::deb::Contents-suite::Fallback-Of=Contents-deb",
	"-o", "Acquire::Retries=0",
}

func (a *apt) provide(ctx context.Context, wants []Want) (map[Want][]string, error) {
	if err := a.run(ctx, "update"); err != nil {
		return nil, err
	}
	names, err := a.ask(ctx, "pkgnames")
	if err != nil {
		return nil, err
	}
	known := newNames(strings.Fields(names))
	answers, found, rest := map[Want][]string{}, map[Want]providers{}, []Want(nil)
	for _, w := range wants {
		if answers[w] = known.usual(w); len(answers[w]) == 0 {
			found[w], rest = providers{}, append(rest, w)
		}
	}
	if len(rest) == 0 {
		return answers, nil
	}
	if err := a.contents(ctx, rest, found); err != nil {
		if ctx.Err() != nil {
			return nil, err
		}
		fmt.Fprintf(a.Output, "the index of the files in packages cannot be read, so that only their names count: %v\n", err)
	}
	for _, w := range rest {
		if answers[w] = found[w].ranked(w); len(answers[w]) == 0 {
			answers[w] = known.guess(w)
		}
	}
	return answers, nil
}

// contents fetches the indexes and searches them. They are large and of no use but for this, so an archive may lack them or have
// old ones, which apt refuses.
func (a *apt) contents(ctx context.Context, wants []Want, found map[Want]providers) error {
	b := *a
	b.options = slices.Concat(a.options, contentsOptions)
	update := b.run(ctx, "update")
	var files bytes.Buffer
	for _, target := range []string{"Contents-deb", "Contents-suite"} {
		args := slices.Concat(b.options, []string{"indextargets", "--format", "$(FILENAME)", "Created-By: " + target})
		if err := start(ctx, &files, "apt-get", args...); err != nil {
			return err
		}
	}
	search, read := newSearch(wants), 0
	for _, file := range strings.Fields(files.String()) {
		if !exists(file) {
			continue
		}
		read++
		if err := catFile(ctx, file, func(r io.Reader) error { return search.contents(r, found) }); err != nil {
			return err
		}
	}
	if read == 0 && update == nil {
		return errors.New("the package archive has none")
	}
	return update
}

// catFile reads a file of apt's lists, however it is compressed, with apt's own program for that.
func catFile(ctx context.Context, file string, read func(io.Reader) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, "/usr/lib/apt/apt-helper", "cat-file", file)
	cmd.Env = environment()
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := read(out); err != nil {
		cancel()
		return errors.Join(err, cmd.Wait())
	}
	if err := cmd.Wait(); err != nil {
		return errors.Join(errors.New(strings.TrimSpace(problems.String())), err)
	}
	return nil
}

// search finds wanted files by the last part of their names.
type search map[string][]Want

func newSearch(wants []Want) search {
	s := search{}
	for _, w := range wants {
		base := w.file()[strings.LastIndexByte(w.file(), '/')+1:]
		s[base] = append(s[base], w)
	}
	return s
}

// file tells of a path with its last part which wants it meets, and how well.
func (s search) file(file []byte, do func(w Want, distance int)) {
	for _, w := range s[string(file[bytes.LastIndexByte(file, '/')+1:])] {
		if d := w.distance(string(file)); d != elsewhere {
			do(w, d)
		}
	}
}

// contents reads an index of files: lines of a path, spaces, and the packages that have it, each with its section before it:
// "usr/include/postgresql/libpq-fe.h    libdevel/libpq-dev". A path may have spaces.
func (s search) contents(r io.Reader, found map[Want]providers) error {
	in := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, bufio.ErrBufferFull) {
			for errors.Is(err, bufio.ErrBufferFull) { // no path is that long
				_, err = in.ReadSlice('\n')
			}
			line = nil
		}
		line = bytes.TrimRight(line, " \t\n")
		if i := bytes.LastIndexAny(line, " \t"); i >= 0 {
			s.file(bytes.TrimRight(line[:i], " \t"), func(w Want, distance int) {
				for name := range bytes.SplitSeq(line[i+1:], []byte(",")) {
					if name = name[bytes.LastIndexByte(name, '/')+1:]; len(name) > 0 {
						found[w].add(string(name), distance)
					}
				}
			})
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
