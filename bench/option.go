package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// option is a setting of the Pyfile whose cost and gain are measured: size, and seconds until a container has imported its modules.
type option struct {
	name, text string
	// smaller says that the image must be smaller than the default one.
	smaller bool
}

var options = []option{
	{"default", "", false},
	{"slim.remove", "[slim]\nremove = [\"tests\", \"headers\", \"sources\", \"stubs\", \"docs\"]\n", true},
	{"slim.strip", "[slim]\nstrip = true\n", true},
	{"slim", "[slim]\nremove = [\"tests\", \"headers\", \"sources\", \"stubs\", \"docs\"]\nstrip = true\n", true},
	{"bytecode.stdlib = false", "[bytecode]\nstdlib = false\n", true},
	{"bytecode.dependencies = false", "[bytecode]\ndependencies = false\n", true},
	{"no bytecode", "[bytecode]\nstdlib = false\ndependencies = false\n", true},
	{"slim, no bytecode", "[slim]\nremove = [\"tests\", \"headers\", \"sources\", \"stubs\", \"docs\"]\nstrip = true\n\n[bytecode]\nstdlib = false\ndependencies = false\n", true},
}

// optionScenario is the name of the measurements of an option.
func optionScenario(o option) string { return "option: " + o.name }

// options measures each option on the daemon that built the first state.
func (r *roundOf) options(ctx context.Context) error {
	c := contenders[slices.IndexFunc(contenders, func(c contender) bool { return c.name == ours })]
	whole := r.images[ours]
	for i, o := range options {
		dir := filepath.Join(r.work, fmt.Sprintf("option%d", i))
		if err := os.CopyFS(dir, os.DirFS(r.variants["first"].dir)); err != nil {
			return err
		}
		if err := appendTo(filepath.Join(dir, "Pyfile"), "\n"+o.text); err != nil {
			return err
		}
		ref := fmt.Sprintf("%s:option%d", c.image(r.bench, r.project), i)
		if _, err := r.daemons[ours].build(ctx, append(c.args(r.bench, dir), "--output", "type=image,name="+ref+",push=true")...); err != nil {
			return fmt.Errorf("%s: %w", o.name, err)
		}
		got, _, err := r.look(ref, r.base, r.seen)
		if err != nil {
			return err
		}
		if smaller := got.Over < whole.Over; smaller != o.smaller {
			return fmt.Errorf("%s: %d bytes over the base, %d by default", o.name, got.Over, whole.Over)
		}
		unpacked, err := r.unpacked(ref)
		if err != nil {
			return err
		}
		r.note(measure{Contender: ours, Scenario: optionScenario(o), NewBytes: got.Over, Bytes: unpacked})
		if _, _, err := r.docker(ctx, "pull", "--quiet", ref); err != nil {
			return err
		}
		for range 5 {
			_, seconds, err := r.docker(ctx, "run", "--rm", "--read-only", "--network", "none", ref, "python", "-c", "import "+r.project.modules)
			if err != nil {
				return errors.Join(err, r.remove(ctx, ref))
			}
			r.note(measure{Contender: ours, Scenario: optionScenario(o), Seconds: seconds})
		}
		if err := r.remove(ctx, ref); err != nil {
			return err
		}
	}
	return nil
}

// remove takes an image out of the Docker Engine.
func (r *roundOf) remove(ctx context.Context, ref string) error {
	_, _, err := r.docker(context.WithoutCancel(ctx), "image", "rm", "--force", ref)
	return err
}

// unpacked is the bytes of the layers above the base as they are on a disk.
func (r *roundOf) unpacked(ref string) (int64, error) {
	img, err := r.imageOf(strings.TrimPrefix(ref, r.registry()+"/"))
	if err != nil {
		return 0, err
	}
	layers, err := img.Layers()
	if err != nil {
		return 0, err
	}
	var total int64
	for _, l := range layers {
		digest, err := l.Digest()
		if err != nil {
			return 0, err
		}
		if r.base[digest.String()] {
			continue
		}
		data, err := l.Uncompressed()
		if err != nil {
			return 0, err
		}
		n, err := io.Copy(io.Discard, data)
		if err := errors.Join(err, data.Close()); err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// optionSize is the compressed size over the base of an image with an option; not a number if it was not measured.
func (r *results) optionSize(project, name string) float64 {
	var over []float64
	for _, m := range r.of(project, ours, optionScenario(option{name: name})) {
		if m.NewBytes > 0 {
			over = append(over, float64(m.NewBytes))
		}
	}
	return median(over)
}

// optionTable is what the options of a project cost and gain.
func (r *results) optionTable(p project) string {
	var out strings.Builder
	out.WriteString("| | compressed, over the base | unpacked | container until its imports are done |\n|---|---:|---:|---:|\n")
	rows := 0
	for _, o := range options {
		var unpacked, start []float64
		for _, m := range r.of(p.Name, ours, optionScenario(o)) {
			if m.Seconds > 0 {
				start = append(start, m.Seconds)
			} else {
				unpacked = append(unpacked, float64(m.Bytes))
			}
		}
		if seconds := median(start); !math.IsNaN(seconds) {
			rows++
			fmt.Fprintf(&out, "| %s | %s | %s | %.2f s |\n", o.name, size(r.optionSize(p.Name, o.name)), size(median(unpacked)), seconds)
		}
	}
	if rows == 0 {
		return ""
	}
	return "\nOptions of the Pyfile:\n\n" + out.String()
}
