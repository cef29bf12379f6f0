// Command bench builds the same two projects with a Pyfile and with the Dockerfiles that people write today, side by side, and measures
// what each costs: seconds, bytes pushed, pulled and downloaded, layers, size, disk, and how soon a container answers.
//
// Every way to build has a daemon of its own, so that no cache of another helps it; all daemons are on one machine, the builds take
// turns in an order that moves from round to round, and all talk to one registry and one package index on loopback, which count what
// passes. A build that did not do what it should, because its image lacks the change it was made for, ends the run.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	rounds := flags.Int("rounds", 5, "how often everything is measured; rounds already in the results count")
	only := flags.String("projects", "web,data", "which projects")
	some := flags.String("scenarios", "", "only these, such as cold,unchanged,code, once more; what they find replaces what a round in the results has of them")
	results := flags.String("results", "docs/benchmarks.json", "file with what was measured, which is read first and added to")
	page := flags.String("page", "docs/benchmarks.md", "page whose tables are written")
	tables := flags.Bool("tables", false, "write the tables from the results, and measure nothing")
	port := flags.Int("port", 5060, "first of two ports on loopback: the registry and the index")
	if err := flags.Parse(args); err != nil {
		return err
	}
	all, err := readResults(*results)
	if err != nil {
		return err
	}
	if *tables {
		return writePage(*page, all)
	}
	lab := os.Getenv("PYFILE_LAB")
	if lab == "" {
		return errors.New("the lab's environment is missing; run `make bench`")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return err
	}
	b := &bench{lab: lab, registryOfLab: os.Getenv("PYFILE_LAB_REGISTRY"), downloads: filepath.Join(cache, "pyfile", "bench", "downloads"), port: *port}
	if *some != "" {
		b.scenarios = strings.Split(*some, ",")
		if !slices.Contains(b.scenarios, "cold") {
			return errors.New("-scenarios lacks cold, whose builds the others start from")
		}
	}
	if err := b.tools(); err != nil {
		return err
	}
	all.Machine = machine()
	for round := 1; round <= *rounds; round++ {
		for _, p := range projects {
			if !slices.Contains(strings.Split(*only, ","), p.Name) || *some == "" && all.has(p.Name, round) {
				continue
			}
			runs, images, err := b.round(ctx, p, round)
			if err != nil {
				return fmt.Errorf("round %d of %s: %w", round, p.Name, err)
			}
			switch {
			case *some == "":
				all.add(p.Name, runs, images)
			case all.has(p.Name, round):
				all.replace(p.Name, round, runs)
			default:
				continue // a part of a round would pass for the whole
			}
			if err := all.write(*results); err != nil {
				return err
			}
		}
	}
	return writePage(*page, all)
}
