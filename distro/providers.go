package distro

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
)

// ProvidersOptions says what Providers looks for.
type ProvidersOptions struct {
	Wants    []Want
	Archives string    // as of InstallOptions
	Lists    string    // likewise
	CA       string    // likewise
	Out      string    // directory for providers.json
	Output   io.Writer // what the distribution's programs print
}

// Providers writes the file providers.json: an object with a member for each want, such as "header:mysql.h", whose value lists the
// packages that have it, best first, or nothing. A package that is installed answers at once; for the rest the package manager
// fetches the distribution's index, with the image's own sources, keys and proxies.
func Providers(ctx context.Context, o ProvidersOptions) error {
	db, err := Open(os.DirFS("/"))
	if err != nil {
		return err
	}
	answers := db.Installed(o.Wants)
	var rest []Want
	for _, w := range o.Wants {
		if len(answers[w]) == 0 {
			rest = append(rest, w)
		}
	}
	if len(rest) > 0 {
		i := InstallOptions{Archives: o.Archives, Lists: o.Lists, CA: o.CA, Output: o.Output}
		if err := withDirectories([]*string{&i.Archives, &i.Lists}, func() error {
			manager, err := findManager(i)
			if err != nil {
				return err
			}
			if err := i.trust(); err != nil {
				return err
			}
			found, err := manager.provide(ctx, rest)
			maps.Copy(answers, found)
			return err
		}); err != nil {
			return err
		}
	}
	texts := map[string][]string{}
	for _, w := range o.Wants {
		texts[w.String()] = append([]string{}, answers[w]...)
	}
	data, err := json.MarshalIndent(texts, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(o.Out, "providers.json"), append(data, '\n'), 0o644); err != nil { //nolint:gosec // others read it
		return fmt.Errorf("the answer cannot be written: %w", err)
	}
	return nil
}

// Installed returns for each want the installed packages that have it, best first.
func (db *Database) Installed(wants []Want) map[Want][]string {
	found, search := map[Want]providers{}, newSearch(wants)
	for _, w := range wants {
		found[w] = providers{}
	}
	for file, i := range db.owners {
		search.file([]byte(file), func(w Want, distance int) { found[w].add(db.packages[i].Name, distance) })
	}
	answers := map[Want][]string{}
	for w, ps := range found {
		answers[w] = ps.ranked(w)
	}
	return answers
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
