package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// scenario is a build that is measured. Warm ones run on the daemon that built the first state; fresh ones on an empty daemon with
// nothing but a registry cache.
type scenario struct {
	name, title string
	variant     string
	fresh       string // mode of the cache
	patched     bool   // the base image was patched
}

var scenarios = []scenario{
	{name: "cold", title: "cold: nothing is there", variant: "first"},
	{name: "unchanged", title: "nothing changed", variant: "first"},
	{name: "code", title: "one line of code", variant: "code"},
	{name: "small", title: "a small dependency bumped", variant: "small"},
	{name: "big", title: "a big dependency bumped", variant: "big"},
	{name: "added", title: "a dependency added", variant: "added"},
	{name: "second", title: "a second project that shares dependencies", variant: "second"},
	{name: "base", title: "base image patched", variant: "first", patched: true},
	{name: "fresh-unchanged-max", title: "fresh runner, nothing changed, mode=max", variant: "first", fresh: "max"},
	{name: "fresh-code-max", title: "fresh runner, one line of code, mode=max", variant: "code", fresh: "max"},
	{name: "fresh-bump-max", title: "fresh runner, a dependency bumped, mode=max", variant: "later", fresh: "max"},
	{name: "fresh-unchanged-min", title: "fresh runner, nothing changed, mode=min", variant: "first", fresh: "min"},
	{name: "fresh-code-min", title: "fresh runner, one line of code, mode=min", variant: "code", fresh: "min"},
	{name: "fresh-bump-min", title: "fresh runner, a dependency bumped, mode=min", variant: "later", fresh: "min"},
}

// times is how often a scenario is measured in a round: builds of a fraction of a second three times, and cold ones, whose seconds vary most.
func (s scenario) times() int {
	if s.name == "cold" || s.name == "unchanged" || strings.HasPrefix(s.name, "fresh-unchanged-") {
		return 3
	}
	return 1
}

// tag is another one for each time, so that there is something to push each time.
func (s scenario) tag(n int) string {
	if n == 0 {
		return s.name
	}
	return fmt.Sprintf("%s-%d", s.name, n+1)
}

// What a node and a container do is measured too, with these names.
const (
	pullCode, pullSmall = "pull-code", "pull-small"
	firstImport         = "start-import"
	firstRequest        = "start-request"
	disk                = "disk"
)

// measure is one measurement.
type measure struct {
	Project   string  `json:"project"`
	Contender string  `json:"contender"`
	Scenario  string  `json:"scenario"`
	Round     int     `json:"round"`
	Seconds   float64 `json:"seconds,omitempty"`
	Pushed    int64   `json:"pushed,omitempty"`   // bytes sent to the registry
	Pulled    int64   `json:"pulled,omitempty"`   // bytes taken from the registry
	Blobs     int64   `json:"blobs,omitempty"`    // how many blobs that was
	Fetched   int64   `json:"fetched,omitempty"`  // bytes taken from the index
	Bytes     int64   `json:"bytes,omitempty"`    // of disk
	NewBytes  int64   `json:"newBytes,omitempty"` // layers that the first image does not have
	Digest    string  `json:"digest,omitempty"`
	Inputs    string  `json:"inputs,omitempty"` // of a cold build: a hash of the frontend, the base image and the lock
}

// round measures everything once for a project.
func (b *bench) round(ctx context.Context, p project, number int) (runs []measure, images map[string]image, err error) {
	if free, err := freeDisk(b.lab); err != nil || free < p.disk {
		return nil, nil, errors.Join(err, fmt.Errorf("%s has %s free, and a round of %s takes up to %s; `docker image prune -a` and `buildctl prune` make room",
			b.lab, size(float64(free)), p.Name, size(float64(p.disk))))
	}
	if b.work, err = os.MkdirTemp(b.lab, "bench-"); err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.work)) }()
	stop, err := b.serve()
	if err != nil {
		return nil, nil, err
	}
	defer stop()
	if err := b.endNode(); err != nil { // of a run that was killed
		return nil, nil, err
	}
	if err := b.startNode(); err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, b.endNode()) }()
	if err := b.writeDockerfiles(); err != nil {
		return nil, nil, err
	}
	variants, err := b.variants(p, b.work, b.index())
	if err != nil {
		return nil, nil, err
	}
	if err := fill(ctx, variants); err != nil {
		return nil, nil, err
	}
	r := &roundOf{bench: b, project: p, number: number, variants: variants, daemons: map[string]*daemon{}, images: map[string]image{},
		base: map[string]bool{}, seen: map[string]contents{}, layers: map[string]map[string]bool{}}
	defer r.endDaemons()
	if err := r.addBase("library/python:3.13-slim"); err != nil {
		return nil, nil, err
	}
	err = r.run(ctx)
	return r.runs, r.images, err
}

// fetchable are the wheels in a lock that builds for this platform may ask for.
var fetchable = regexp.MustCompile(`url = "(http://[^"]+-(?:[^"]*cp313|[^"]*abi3|[^"]*py3)-[^"]*(?:any|manylinux[^"]*_x86_64)\.whl)"`)

// fill has the mirror fetch the wheels of all variants, so that the first way to build does not wait for the index on behalf of the others.
func fill(ctx context.Context, variants map[string]*variant) error {
	done := map[string]bool{}
	for _, v := range variants {
		lock, err := os.ReadFile(filepath.Join(v.dir, "uv.lock"))
		if err != nil {
			return err
		}
		for _, m := range fetchable.FindAllSubmatch(lock, -1) {
			address := string(m[1])
			if done[address] {
				continue
			}
			done[address] = true
			request, err := http.NewRequestWithContext(ctx, http.MethodHead, address, nil)
			if err != nil {
				return err
			}
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				return err
			}
			answer.Body.Close()
			if answer.StatusCode != http.StatusOK {
				return fmt.Errorf("%s: %s", address, answer.Status)
			}
		}
	}
	if len(done) == 0 {
		return errors.New("the locks name no wheel of this platform")
	}
	return nil
}

// roundOf is the state of a round.
type roundOf struct {
	*bench
	project  project
	number   int
	variants map[string]*variant
	daemons  map[string]*daemon
	runs     []measure
	images   map[string]image           // of the first state, by contender
	base     map[string]bool            // layers of the base images
	seen     map[string]contents        // layers that were read
	layers   map[string]map[string]bool // of the first image, by contender
}

// turn is the contenders in the order of this round and scenario.
func (r *roundOf) turn(scenario int) []contender {
	n := len(contenders)
	out := make([]contender, 0, n)
	for i := range n {
		out = append(out, contenders[(i+r.number+scenario)%n])
	}
	return out
}

func (r *roundOf) say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s round %d of %s: %s\n", time.Now().Format(time.TimeOnly), r.number, r.project.Name, fmt.Sprintf(format, args...))
}

func (r *roundOf) run(ctx context.Context) error {
	for i, s := range scenarios {
		if len(r.scenarios) > 0 && !slices.Contains(r.scenarios, s.name) {
			continue
		}
		if s.patched {
			if err := r.patchBase(); err != nil {
				return err
			}
			if err := r.addBase("library/python:3.13-slim"); err != nil {
				return err
			}
		}
		for n := range s.times() {
			for _, c := range r.turn(i + n) {
				if s.fresh == "min" && !c.stages {
					continue // one stage: all of it is in the image, so the caches are the same
				}
				if err := r.scenario(ctx, s, c, n); err != nil {
					return fmt.Errorf("%s, %s: %w", s.name, c.name, err)
				}
			}
		}
		if s.variant == "first" && (s.name == "unchanged" || s.name == "fresh-unchanged-max") {
			for _, c := range oneLine {
				for n := range s.times() {
					if err := r.oneLine(ctx, s, c, n); err != nil {
						return err
					}
				}
			}
		}
		if s.name == "cold" && (len(r.scenarios) == 0 || slices.ContainsFunc(r.scenarios, func(name string) bool { return strings.HasPrefix(name, "fresh-") })) {
			if err := r.caches(ctx); err != nil {
				return err
			}
		}
		if s.name == "small" {
			for _, c := range r.turn(i) {
				if err := r.node(ctx, c); err != nil {
					return fmt.Errorf("pull, %s: %w", c.name, err)
				}
			}
		}
		if s.name == "base" { // the last warm one
			if err := quiet(".", "crane", "copy", "--insecure", r.registryOfLab+"/library/python:3.13-slim", r.registry()+"/library/python:3.13-slim"); err != nil {
				return err
			}
			if err := r.disks(); err != nil {
				return err
			}
			if r.number == 1 { // sizes are the same in every round
				if err := r.options(ctx); err != nil {
					return err
				}
			}
			r.endDaemons()
		}
	}
	return nil
}

// addBase learns the layers of a base image.
func (r *roundOf) addBase(image string) error {
	img, err := r.imageOf(image)
	if err != nil {
		return err
	}
	layers, err := img.Layers()
	if err != nil {
		return err
	}
	for _, l := range layers {
		digest, err := l.Digest()
		if err != nil {
			return err
		}
		r.base[digest.String()] = true
	}
	return nil
}

// scenario builds once, checks that it was really built, and notes what it took.
func (r *roundOf) scenario(ctx context.Context, s scenario, c contender, n int) error {
	v := r.variants[s.variant]
	d := r.daemons[c.name]
	args, repo := c.args(r.bench, v.dir), c.image(r.bench, r.project)
	if s.fresh != "" {
		cache := s.fresh
		if !c.stages {
			cache = "max"
		}
		args = append(args, "--import-cache", "type=registry,ref="+repo+":cache-"+cache)
	}
	first := s.name == "cold" && n == 0
	if s.name == "cold" && !first {
		repo += fmt.Sprintf("-%d", n+1) // which has none of the layers
	}
	if s.name == "cold" || s.fresh != "" {
		var err error
		if d, err = r.startDaemon(ctx); err != nil {
			return err
		}
		if first {
			r.daemons[c.name] = d
		} else {
			defer d.end()
		}
	}
	ref := repo + ":" + s.tag(n)
	m, err := r.measured(ctx, d, append(args, "--output", "type=image,name="+ref+",push=true"))
	if err != nil {
		return err
	}
	image, found, err := r.look(ref, r.base, r.seen)
	if err != nil {
		return err
	}
	if err := r.check(s, c, v, image, found); err != nil {
		return err
	}
	if first {
		r.images[c.name] = image
	}
	if s.name == "cold" {
		if m.Inputs, err = r.inputs(v); err != nil {
			return err
		}
	}
	m.Contender, m.Scenario, m.Digest = c.name, s.name, image.Digest
	if m.NewBytes, err = r.newBytes(ref, c, first); err != nil {
		return err
	}
	r.note(m)
	return nil
}

// inputs is a hash of what may make the image of a cold build another one in another round.
func (r *roundOf) inputs(v *variant) (string, error) {
	sum := sha256.New()
	for _, name := range []string{"org/pyfile:1", "library/python:3.13-slim"} {
		img, err := r.imageOf(name)
		if err != nil {
			return "", err
		}
		digest, err := img.Digest()
		if err != nil {
			return "", err
		}
		fmt.Fprintln(sum, digest)
	}
	lock, err := os.ReadFile(filepath.Join(v.dir, "uv.lock"))
	if err != nil {
		return "", err
	}
	sum.Write(lock)
	return hex.EncodeToString(sum.Sum(nil))[:16], nil
}

// measured runs one build.
func (r *roundOf) measured(ctx context.Context, d *daemon, args []string) (measure, error) {
	r.pushes.take()
	r.files.take()
	var m measure
	var err error
	if m.Seconds, err = d.build(ctx, args...); err != nil {
		return m, err
	}
	m.Pushed, m.Pulled, _, m.Blobs = r.pushes.take()
	_, m.Fetched, _, _ = r.files.take()
	return m, nil
}

func (r *roundOf) note(m measure) {
	m.Project, m.Round = r.project.Name, r.number
	r.runs = append(r.runs, m)
	r.say("%-20s %-9s %7.2f s  pushed %9d  pulled %9d  fetched %9d", m.Scenario, m.Contender, m.Seconds, m.Pushed, m.Pulled, m.Fetched)
}

// check fails if an image is not what the scenario builds.
func (r *roundOf) check(s scenario, c contender, v *variant, got image, found contents) error {
	var errs []error
	if found.changed != v.code {
		errs = append(errs, fmt.Errorf("the changed line is in the image: %t, want %t", found.changed, v.code))
	}
	for name, version := range v.wants {
		if c.name == "pip" && name == "other" {
			continue // it runs the code from where it lies
		}
		if found.distributions[name] != version {
			errs = append(errs, fmt.Errorf("the image has %s %q, want %s", name, found.distributions[name], version))
		}
	}
	if n := len(found.distributions); n < 10 {
		errs = append(errs, fmt.Errorf("the image has %d distributions only", n))
	}
	first := r.images[c.name].Digest
	switch same := got.Digest == first; {
	case s.variant == "first" && !s.patched && s.name != "cold" && !same && (s.fresh == "" || c.name == ours):
		errs = append(errs, errors.New("nothing changed, and the image is another one"))
	case (s.variant != "first" || s.patched) && same:
		errs = append(errs, errors.New("the image is the first one"))
	}
	return errors.Join(errs...)
}

// newBytes are the layers that a node with the first image has to pull.
func (r *roundOf) newBytes(ref string, c contender, first bool) (int64, error) {
	img, err := r.imageOf(strings.TrimPrefix(ref, r.registry()+"/"))
	if err != nil {
		return 0, err
	}
	layers, err := img.Layers()
	if err != nil {
		return 0, err
	}
	if first {
		r.layers[c.name] = map[string]bool{}
	}
	var total int64
	for _, l := range layers {
		digest, err := l.Digest()
		if err != nil {
			return 0, err
		}
		if first {
			r.layers[c.name][digest.String()] = true
		}
		if r.layers[c.name][digest.String()] && !first {
			continue
		}
		size, err := l.Size()
		if err != nil {
			return 0, err
		}
		total += size
	}
	return total, nil
}

// caches exports the registry caches that fresh runners import. It is not measured.
func (r *roundOf) caches(ctx context.Context) error {
	for _, c := range contenders {
		for _, mode := range []string{"max", "min"} {
			if mode == "min" && !c.stages {
				continue
			}
			ref := c.image(r.bench, r.project) + ":cache-" + mode
			if _, err := r.daemons[c.name].build(ctx, append(c.args(r.bench, r.variants["first"].dir),
				"--output", "type=image,name="+c.image(r.bench, r.project)+":cold,push=true",
				"--export-cache", "type=registry,image-manifest=true,ref="+ref+",mode="+mode)...); err != nil {
				return err
			}
		}
	}
	return nil
}

// oneLine measures a Dockerfile of one line in the same scenario.
func (r *roundOf) oneLine(ctx context.Context, s scenario, c contender, n int) error {
	ref := c.image(r.bench, r.project)
	args := append(c.args(r.bench, r.variants["first"].dir), "--output", "type=image,name="+ref+":"+s.tag(n)+",push=true")
	d := r.daemons[c.name]
	if d == nil {
		var err error
		if d, err = r.startDaemon(ctx); err != nil {
			return err
		}
		r.daemons[c.name] = d
		if _, err := d.build(ctx, append(args, "--export-cache", "type=registry,image-manifest=true,ref="+ref+":cache,mode=max")...); err != nil {
			return err
		}
	}
	if s.fresh != "" {
		fresh, err := r.startDaemon(ctx)
		if err != nil {
			return err
		}
		defer fresh.end()
		d = fresh
		args = append(args, "--import-cache", "type=registry,ref="+ref+":cache")
	}
	m, err := r.measured(ctx, d, args)
	if err != nil {
		return err
	}
	m.Contender, m.Scenario = c.name, s.name
	r.note(m)
	return nil
}

// endDaemons ends the warm daemons, to make room for the fresh ones.
func (r *roundOf) endDaemons() {
	for _, d := range r.daemons {
		d.end()
	}
	clear(r.daemons)
}

// disks measures what each daemon keeps after all warm builds.
func (r *roundOf) disks() error {
	for _, c := range contenders {
		n, err := r.daemons[c.name].disk()
		if err != nil {
			return err
		}
		r.note(measure{Contender: c.name, Scenario: disk, Bytes: n})
	}
	return nil
}

// node measures a node of the Docker Engine that has the first image: the pull of an update, and how soon a container works.
func (r *roundOf) node(ctx context.Context, c contender) error {
	repo := c.image(r.bench, r.project)
	var pulled []string
	defer func() {
		for _, ref := range pulled {
			_, _, _ = r.docker(context.WithoutCancel(ctx), "image", "rm", "--force", ref)
		}
	}()
	for _, step := range []struct{ tag, scenario string }{{"cold", ""}, {"code", pullCode}, {"small", pullSmall}} {
		r.pushes.take()
		ref := repo + ":" + step.tag
		_, seconds, err := r.docker(ctx, "pull", "--quiet", ref)
		if err != nil {
			return err
		}
		pulled = append(pulled, ref)
		_, down, _, _ := r.pushes.take()
		if step.scenario != "" {
			want, err := r.newBytes(ref, c, false)
			if err != nil {
				return err
			}
			if down < want {
				return fmt.Errorf("the node pulled %d bytes of %s, which has new layers of %d", down, ref, want)
			}
			r.note(measure{Contender: c.name, Scenario: step.scenario, Seconds: seconds, Pulled: down})
		}
	}
	for range 3 {
		_, seconds, err := r.docker(ctx, "run", "--rm", "--read-only", "--network", "none", repo+":cold", "python", "-c", "import "+r.project.modules)
		if err != nil {
			return err
		}
		r.note(measure{Contender: c.name, Scenario: firstImport, Seconds: seconds})
	}
	if r.project.serve == nil {
		return nil
	}
	for range 3 {
		seconds, err := r.request(ctx, repo+":cold")
		if err != nil {
			return err
		}
		r.note(measure{Contender: c.name, Scenario: firstRequest, Seconds: seconds})
	}
	return nil
}

// request starts the service and returns the seconds until it answers a request.
func (r *roundOf) request(ctx context.Context, ref string) (float64, error) {
	port := fmt.Sprint(r.port + 3)
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	start := time.Now()
	id, _, err := r.docker(ctx, append(append([]string{"run", "--detach", "--read-only", "--network", "host", ref}, r.project.serve...), "--port", port)...)
	if err != nil {
		return 0, err
	}
	defer func() { _, _, _ = r.docker(context.WithoutCancel(ctx), "rm", "--force", id) }()
	for time.Since(start) < 30*time.Second {
		answer, err := client.Get("http://127.0.0.1:" + port + "/")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return time.Since(start).Seconds(), nil
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	log, _, _ := r.docker(ctx, "logs", id)
	return 0, fmt.Errorf("no answer within 30 s:\n%s", log)
}
