package distro

import (
	"archive/tar"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// provide answers from Alpine's index, in which packages say which libraries, programs and pkg-config modules they have. It does not
// tell headers: their packages are found by the modules that have a similar name.
func (a apk) provide(ctx context.Context, wants []Want) (map[Want][]string, error) {
	if err := a.run(ctx, "update"); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(filepath.Join(a.Archives, "APKINDEX.*.tar.gz"))
	if err != nil {
		return nil, err
	}
	index := &Database{owners: map[string]int{}, provides: map[string][]string{}}
	for _, file := range files {
		text, err := readIndex(file)
		if err != nil {
			return nil, fmt.Errorf("%s cannot be read: %w", filepath.Base(file), err)
		}
		index.parseInstalled(text)
	}
	names := make([]string, 0, len(index.packages))
	for _, p := range index.packages {
		names = append(names, p.Name)
	}
	known := newNames(names)
	answers := map[Want][]string{}
	for _, w := range wants {
		if answers[w] = known.usual(w); len(answers[w]) == 0 {
			answers[w] = index.provided(w)
		}
		if len(answers[w]) == 0 {
			answers[w] = known.guess(w)
		}
		if len(answers[w]) == 0 && w.Kind == Header {
			fmt.Fprintf(a.Output, "Alpine's index does not tell which package has the header %s\n", w.Name)
		}
	}
	return answers, nil
}

// readIndex returns the text of an index: the file APKINDEX of an archive that has a signature before it, compressed on its own.
func readIndex(file string) (string, error) {
	f, err := os.Open(file)
	if err != nil {
		return "", err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return "", err
	}
	for t := tar.NewReader(z); ; {
		header, err := t.Next()
		if errors.Is(err, io.EOF) {
			return "", errors.New("it has no APKINDEX")
		}
		if err != nil {
			return "", err
		}
		if header.Name == "APKINDEX" {
			text, err := io.ReadAll(t)
			return string(text), err
		}
	}
}

// provided returns the packages of an index that have what is wanted, best first.
func (db *Database) provided(w Want) []string {
	var asked []string // what a package would have to provide, best first
	switch w.Kind {
	case Soname:
		asked = []string{"so:" + w.Name}
	case Program:
		asked = []string{"cmd:" + w.Name}
	case PkgConfig:
		asked = []string{"pc:" + w.Name}
	case Library:
		asked = []string{"pc:lib" + w.Name, "pc:" + w.Name}
	case Header:
		stem := strings.TrimSuffix(w.file()[strings.LastIndexByte(w.Name, '/')+1:], ".h")
		asked = []string{"pc:" + stem, "pc:lib" + stem}
		if dir, _, nested := strings.Cut(w.Name, "/"); nested {
			asked = append([]string{"pc:" + dir, "pc:lib" + dir}, asked...)
		}
	}
	best := map[string]int{}
	for name, provides := range db.provides {
		for _, provide := range provides {
			provide, _, _ = strings.Cut(provide, "=")
			i := slices.Index(asked, provide)
			if i < 0 && (w.Kind == Header || w.Kind == Library) { // "pc:libxml-2.0" is the module of libxml
				if i = slices.Index(asked, strings.TrimRight(provide, "0123456789.-")); i >= 0 {
					i += len(asked)
				}
			}
			if before, known := best[name]; i >= 0 && (!known || i < before) {
				best[name] = i
			}
		}
	}
	var list []string
	for name := range best {
		list = append(list, name)
	}
	slices.SortFunc(list, func(a, b string) int {
		return cmp.Or(cmp.Compare(best[a], best[b]), cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	return list[:min(len(list), mostProviders)]
}
