package frontend

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path"
	"strings"

	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/org/pyfile/diagnosis"
)

// largestFailure is the size in bytes that the file of a failed step may have. What is longer was not written by a program of ours.
const largestFailure = 256 << 10

// failure is what the program of a failed exec wrote of the reason to a file: its path in the exec, below one of the mounts that may be
// written to. It is nil when the program wrote nothing and when the daemon is too old to tell: the failure is then BuildKit's own.
func (b *build) failure(ctx context.Context, err error, file string) *diagnosis.Failure {
	data, readErr := readKept(ctx, b.gateway, ownImage, err, file)
	if readErr != nil || len(data) > largestFailure {
		return nil
	}
	f, parseErr := diagnosis.ParseFailure(data)
	if parseErr != nil {
		return nil
	}
	return f
}

// readKept reads a file of a failed exec. BuildKit keeps what the mounts held for as long as the frontend runs, under names that are in the
// error, and mounts it into containers of the frontend. What is read is cut after largestFailure and one more byte.
func readKept(ctx context.Context, c client.Client, own func() (bkllb.State, error), err error, file string) ([]byte, error) {
	id, name := kept(err, file)
	if id == "" {
		return nil, errNotKept
	}
	if caps := c.BuildOpts().Caps; caps.Supports(gatewaypb.CapGatewayExecFilesystem) != nil {
		return readByProcess(ctx, c, own, id, name)
	}
	return readByDaemon(ctx, c, id, name)
}

var errNotKept = errors.New("the failed step left no such mount")

// kept finds the mount of a failed exec in which a file lies: the name of what BuildKit kept of it, and the path of the file there.
func kept(err error, file string) (id, name string) {
	var solve *errdefs.SolveError
	if !errors.As(err, &solve) || solve.Op.GetExec() == nil {
		return "", ""
	}
	dest := ""
	for i, m := range solve.Op.GetExec().Mounts {
		below, ok := strings.CutPrefix(file, strings.TrimSuffix(m.Dest, "/")+"/")
		if ok && len(m.Dest) > len(dest) && i < len(solve.MountIDs) {
			dest, id, name = m.Dest, solve.MountIDs[i], path.Join("/", m.Selector, below)
		}
	}
	return id, name
}

// readByDaemon reads a file of a kept mount without running anything.
func readByDaemon(ctx context.Context, c client.Client, id, name string) ([]byte, error) {
	ctr, err := c.NewContainer(ctx, client.NewContainerRequest{Mounts: []client.Mount{
		{Dest: pb.RootMount, ResultID: id, MountType: pb.MountType_BIND},
	}})
	if err != nil {
		return nil, err
	}
	defer release(ctx, ctr)
	return ctr.ReadFile(ctx, client.ReadContainerRequest{
		ReadRequest: client.ReadRequest{Filename: name, Range: &client.FileRange{Length: largestFailure + 1}},
	})
}

// readByProcess reads a file of a kept mount with the frontend's program in its own image, for daemons that read no file of a container
// themselves.
func readByProcess(ctx context.Context, c client.Client, own func() (bkllb.State, error), id, name string) ([]byte, error) {
	st, err := own()
	if err != nil {
		return nil, err
	}
	def, err := st.Marshal(ctx, bkllb.WithCaps(c.BuildOpts().LLBCaps))
	if err != nil {
		return nil, err
	}
	res, err := c.Solve(ctx, client.SolveRequest{Definition: def.ToPB()})
	if err != nil {
		return nil, err
	}
	ref, err := res.SingleRef()
	if err != nil {
		return nil, err
	}
	const dir = "/run/pyfile/failed"
	ctr, err := c.NewContainer(ctx, client.NewContainerRequest{NetMode: pb.NetMode_NONE, Mounts: []client.Mount{
		{Dest: pb.RootMount, Ref: ref, MountType: pb.MountType_BIND},
		{Dest: dir, ResultID: id, MountType: pb.MountType_BIND, Readonly: true},
	}})
	if err != nil {
		return nil, err
	}
	defer release(ctx, ctr)
	out := &output{limit: largestFailure + 1}
	p, err := ctr.Start(ctx, client.StartRequest{Args: []string{"/pyfile", CatCommand, dir, name}, Cwd: "/", Stdout: out})
	if err != nil {
		return nil, err
	}
	if err := p.Wait(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// release gives a container back. BuildKit does it at the end of the build for one that it cannot give back now.
func release(ctx context.Context, ctr client.Container) {
	_ = ctr.Release(context.WithoutCancel(ctx))
}

// CatCommand is the command of the frontend's program that does Cat.
const CatCommand = "cat"

// Cat writes a file below dir to w. The files are those of a foreign build, whose links must not lead out of dir.
func Cat(w io.Writer, dir, name string) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	file, err := root.Open(strings.TrimPrefix(name, "/"))
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = io.Copy(w, file)
	return err
}

// output keeps what a process writes, up to a limit in bytes.
type output struct {
	bytes.Buffer
	limit int
}

func (o *output) Write(p []byte) (int, error) {
	o.Buffer.Write(p[:min(len(p), max(o.limit-o.Len(), 0))])
	return len(p), nil
}

func (o *output) Close() error { return nil }
