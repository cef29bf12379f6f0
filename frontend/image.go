package frontend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/imageutil"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/org/pyfile/authority"
	"github.com/org/pyfile/plan"
	"github.com/org/pyfile/pyfile"
)

// images resolves each image once per platform.
type images struct {
	mu    sync.Mutex
	known map[string]*image
}

// image is a resolved image: a pinned reference, or the named context that stands in for it.
type image struct {
	once   sync.Once
	err    error
	pinned string
	named  *bkllb.State
	config dockerspec.DockerOCIImage
}

// config resolves an image. An image that is not there is an error at the line that leads to it.
func (is *images) config(ctx context.Context, b *build, project *plan.Project, ref string, p ocispecs.Platform) (plan.Source, error) {
	img := is.resolve(ctx, b, ref, p)
	if img.err != nil {
		return plan.Source{}, img.problem(ctx, project, ref, p)
	}
	return plan.Source{Ref: ref, Platform: platforms.FormatAll(p), Config: img.config}, nil
}

// problem is the error of an image that could not be resolved.
func (img *image) problem(ctx context.Context, project *plan.Project, ref string, p ocispecs.Platform) error {
	if ctx.Err() != nil {
		return img.err
	}
	if denied.MatchString(img.err.Error()) {
		e := deniedError("image "+ref, "", pyfile.Range{})
		return project.ImageError(ref, e.Msg, e.Hint)
	}
	hint, platform := "", platforms.FormatAll(p)
	// The registry's answer comes as a plain text, so the text is all there is to go by.
	if errors.Is(img.err, errPlatform) || strings.Contains(img.err.Error(), "no match for platform") {
		hint = "name an image that is made for " + platform + ", or build for another platform with --platform"
	}
	if authority.Untrusted(img.err.Error()) {
		hint = daemonTrust
	}
	return project.ImageError(ref, fmt.Sprintf("image %s for %s: %v", ref, platform, img.err), hint)
}

// errPlatform says that an image is there, but not for the platform.
var errPlatform = errors.New("the image is made for another platform")

// state is an image as the root of a graph.
func (is *images) state(ctx context.Context, b *build, project *plan.Project, ref string, p ocispecs.Platform, opts ...bkllb.ConstraintsOpt) (bkllb.State, error) {
	img := is.resolve(ctx, b, ref, p)
	if img.err != nil {
		return bkllb.State{}, img.problem(ctx, project, ref, p)
	}
	if img.named != nil {
		return *img.named, nil
	}
	imageOpts := []bkllb.ImageOption{b.ImageResolveMode}
	for _, o := range opts {
		imageOpts = append(imageOpts, o)
	}
	return bkllb.Image(img.pinned, append(imageOpts, bkllb.Platform(p))...), nil
}

func (is *images) resolve(ctx context.Context, b *build, ref string, p ocispecs.Platform) *image {
	is.mu.Lock()
	key := ref + " " + platforms.FormatAll(p)
	if is.known == nil {
		is.known = map[string]*image{}
	}
	img := is.known[key]
	if img == nil {
		img = &image{}
		is.known[key] = img
	}
	is.mu.Unlock()
	img.once.Do(func() {
		if img.err = img.resolve(ctx, b, ref, p); img.err == nil {
			img.err = img.fits(p)
		}
	})
	return img
}

// fits compares the platform that the image says it is for: the one image of a name that has no index is found for every platform.
func (img *image) fits(p ocispecs.Platform) error {
	if c := img.config; c.Architecture != "" && (c.OS != p.OS || c.Architecture != p.Architecture) {
		return fmt.Errorf("%w, %s/%s", errPlatform, c.OS, c.Architecture)
	}
	return nil
}

func (img *image) resolve(ctx context.Context, b *build, ref string, p ocispecs.Platform) error {
	named, err := b.NamedContext(ref, dockerui.ContextOpt{Platform: &p, ResolveMode: b.ImageResolveMode.String()})
	if err != nil {
		return err
	}
	if named != nil {
		st, config, err := named.Load(ctx)
		if err != nil {
			return err
		}
		img.named = st
		if config != nil {
			img.config = *config
		}
		// dockerui leaves out when an image of a registry was made. Its last layer was made then.
		if n := len(img.config.History); img.config.Created == nil && n > 0 {
			img.config.Created = img.config.History[n-1].Created
		}
		return nil
	}
	if slices.Contains(replacedStages(b.BuildOpts().Opts), ref) {
		return fmt.Errorf("%w: the build context has none for this one", errPlatform)
	}
	name, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return err
	}
	resolved, digest, data, err := b.gateway.ResolveImageConfig(ctx, reference.TagNameOnly(name).String(), sourceresolver.Opt{
		LogName:  "[internal] load metadata for " + ref,
		ImageOpt: &sourceresolver.ResolveImageOpt{Platform: &p, ResolveMode: b.ImageResolveMode.String()},
	})
	if err != nil {
		var other *imageutil.ResolveToNonImageError
		if errors.As(err, &other) {
			return fmt.Errorf("a source policy turns it into %s, which is no image", other.Updated)
		}
		return err
	}
	if err := json.Unmarshal(data, &img.config); err != nil {
		return fmt.Errorf("its configuration: %w", err)
	}
	// The digest makes the cache keys of everything that runs in the image say which image that was.
	name, err = reference.ParseNormalizedNamed(resolved)
	if err != nil {
		return err
	}
	if _, ok := name.(reference.Digested); !ok && digest != "" {
		if name, err = reference.WithDigest(name, digest); err != nil {
			return err
		}
	}
	img.pinned = name.String()
	return nil
}

// frontendDefinition is where BuildKit puts the definition of the image that it runs the frontend from.
const frontendDefinition = "/run/config/buildkit/metadata/frontend.bin"

// ownImage is the image of this frontend, which carries the helper that runs inside builds. Only the helper's file is mounted, so
// another release with the same helper leaves every cache as it is.
func ownImage() (bkllb.State, error) {
	data, err := os.ReadFile(frontendDefinition)
	if err != nil {
		return bkllb.State{}, fmt.Errorf("the definition of the frontend's own image: %w", err)
	}
	var def pb.Definition
	if err := def.UnmarshalVT(data); err != nil {
		return bkllb.State{}, fmt.Errorf("%s: %w", frontendDefinition, err)
	}
	op, err := bkllb.NewDefinitionOp(&def)
	if err != nil {
		return bkllb.State{}, err
	}
	return bkllb.NewState(op), nil
}
