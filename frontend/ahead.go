package frontend

import (
	"cmp"
	"context"
	"errors"

	"github.com/containerd/platforms"
	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/org/pyfile/plan"
	"github.com/org/pyfile/pyfile"
)

// ahead is what nearly every build asks for, fetched while the Pyfile and the project's files are still on their way. Whoever needs it waits
// for it and, if it failed, asks again himself, so that errors are those of a build without all this.
type ahead struct {
	files *later[map[string][]byte]    // of the build context, as far as plan.FirstFiles matches them
	facts map[sourceKey]*later[[]byte] // of the base
}

// sourceKey is an image for a platform.
type sourceKey struct{ ref, platform string }

// later is a value that is being fetched.
type later[T any] struct {
	done  chan struct{}
	value T
	err   error
}

func fetch[T any](get func() (T, error)) *later[T] {
	l := &later[T]{done: make(chan struct{})}
	go func() {
		defer close(l.done)
		l.value, l.err = get()
	}()
	return l
}

// wait returns the value. It is not ok if nobody fetches it, or if that failed.
func (l *later[T]) wait() (value T, ok bool) {
	if l == nil {
		return value, false
	}
	<-l.done
	return l.value, l.err == nil
}

// Why there is nothing ahead; nobody sees these.
var (
	errRemote  = errors.New("the build context is not the client's directory")
	errNoFacts = errors.New("the base has no facts")
)

// readAhead reads the files that are looked for in every project, if the build context is the client's directory. dockerui would read the
// ignore file first, which may still become another one when the Pyfile is there, and does not count here.
func (b *build) readAhead(ctx context.Context) (map[string][]byte, error) {
	opts := b.gateway.BuildOpts()
	if opts.Opts[cmp.Or(opts.Opts["contextkey"], dockerui.DefaultLocalNameContext)] != "" {
		return nil, errRemote
	}
	session := cmp.Or(opts.Opts["local-sessionid:"+dockerui.DefaultLocalNameContext], opts.SessionID)
	patterns := plan.FirstFiles()
	st := bkllb.Local(dockerui.DefaultLocalNameContext, append(metadataOptions(patterns), bkllb.SessionID(session))...)
	def, err := st.Marshal(ctx, bkllb.WithCaps(opts.LLBCaps))
	if err != nil {
		return nil, err
	}
	return b.load(ctx, def, patterns)
}

// readBaseAhead reads what the base is, if the Pyfile alone tells which image that is.
func (b *build) readBaseAhead(ctx context.Context, file *pyfile.File, o plan.Options) {
	project := plan.Foresee(file, o)
	if project == nil {
		return
	}
	b.ahead.facts = map[sourceKey]*later[[]byte]{}
	for _, p := range b.platforms() {
		p = platforms.Normalize(p)
		b.ahead.facts[sourceKey{project.Base, platforms.FormatAll(p)}] = fetch(func() ([]byte, error) { return b.baseAhead(ctx, project, p) })
	}
}

func (b *build) baseAhead(ctx context.Context, project *plan.Project, p ocispecs.Platform) ([]byte, error) {
	if err := project.CheckPlatform(p); err != nil {
		return nil, err
	}
	base, err := b.images.config(ctx, b, project, project.Base, p)
	if err != nil {
		return nil, err
	}
	def, err := b.definition(ctx, project.FactsPlan(base), b.sources(ctx, project, base, p))
	if err != nil {
		return nil, err
	}
	// Not by solve: to explain a failure it reads files that are still on their way.
	ref, err := b.evaluate(ctx, def)
	if err != nil {
		return nil, err
	}
	data, err := readFile(ctx, ref, plan.FactsFile)
	if err == nil && data == nil {
		err = errNoFacts
	}
	return data, err
}
