// Grouping replays a year of real releases to find how the wheels of a project are best grouped into layers. It locks six projects as of each week
// of that year with uv, which it installs into the user's cache, and keeps the locks there; a second run reads them. It writes the tables of the
// markdown file that it is given between their markers, and the charts beside it.
//
//	go run ./bench/grouping docs/grouping.md
package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: grouping FILE.md")
		os.Exit(2)
	}
	if err := write(context.Background(), os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "grouping:", err)
		os.Exit(1)
	}
}

// write replays everything and writes the report.
func write(ctx context.Context, file string) error {
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	hs, err := histories(ctx, filepath.Join(cache, "pyfile"))
	if err != nil {
		return err
	}
	r := newReport(hs)
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	for _, part := range []struct{ name, text string }{
		{"projects", r.projects()}, {"releases", r.releases()}, {"rules", r.rules()}, {"own", r.owns()}, {"buckets", r.buckets()}, {"max", r.maxima()},
	} {
		if text, err = replace(text, part.name, part.text); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
	}
	if err := os.WriteFile(file, text, 0o644); err != nil {
		return err
	}
	for name, svg := range r.charts() {
		if err := os.WriteFile(filepath.Join(filepath.Dir(file), "grouping-"+name+".svg"), svg, 0o644); err != nil {
			return err
		}
	}
	return nil
}
