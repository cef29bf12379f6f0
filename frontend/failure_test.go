package frontend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"
	"testing"

	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	gatewaypb "github.com/moby/buildkit/frontend/gateway/pb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	digest "github.com/opencontainers/go-digest"

	"github.com/org/pyfile/plan"
	"github.com/org/pyfile/pyfile"
)

// keeper is a daemon that keeps the files of failed execs: by the name of a mount and the path in it.
type keeper struct {
	client.Client
	files    map[string]string
	caps     []apicaps.CapID
	released int
}

func (k *keeper) BuildOpts() client.BuildOpts {
	var caps []*apicaps.PBCap
	for _, id := range k.caps {
		caps = append(caps, &apicaps.PBCap{ID: string(id), Enabled: true})
	}
	return client.BuildOpts{Caps: gatewaypb.Caps.CapSet(caps), LLBCaps: pb.Caps.CapSet(pb.Caps.All())}
}

func (k *keeper) Solve(context.Context, client.SolveRequest) (*client.Result, error) {
	res := client.NewResult()
	res.SetRef(struct{ client.Reference }{})
	return res, nil
}

func (k *keeper) NewContainer(_ context.Context, req client.NewContainerRequest) (client.Container, error) {
	if caps := k.BuildOpts().Caps; caps.Supports(gatewaypb.CapGatewayExec) != nil {
		return nil, errors.New("this daemon starts no containers")
	}
	return &keptContainer{keeper: k, mounts: req.Mounts}, nil
}

type keptContainer struct {
	client.Container
	*keeper
	mounts []client.Mount
}

func (c *keptContainer) Release(context.Context) error {
	c.released++
	return nil
}

func (c *keptContainer) ReadFile(_ context.Context, req client.ReadContainerRequest) ([]byte, error) {
	data, ok := c.files[c.mounts[req.MountIndex].ResultID+req.Filename]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(data)[:min(len(data), req.Range.Length)], nil
}

func (c *keptContainer) Start(_ context.Context, req client.StartRequest) (client.ContainerProcess, error) {
	if len(req.Args) != 4 || req.Args[0] != "/pyfile" || req.Args[1] != CatCommand || c.mounts[0].Ref == nil || c.mounts[1].Dest != req.Args[2] {
		return nil, fmt.Errorf("unexpected process %q", req.Args)
	}
	data, ok := c.files[c.mounts[1].ResultID+req.Args[3]]
	if !ok {
		return process{errors.New("exit code: 1")}, nil
	}
	_, err := bytes.NewBufferString(data).WriteTo(req.Stdout)
	return process{err}, nil
}

type process struct{ err error }

func (p process) Wait() error                                  { return p.err }
func (p process) Resize(context.Context, client.WinSize) error { return nil }
func (p process) Signal(context.Context, syscall.Signal) error { return nil }

var (
	current = []apicaps.CapID{gatewaypb.CapGatewayExec, gatewaypb.CapGatewayExecFilesystem}
	older   = []apicaps.CapID{gatewaypb.CapGatewayExec}
)

// failedStep is the error of a failed exec as the gateway gives it: with the names of what its mounts held.
func failedStep() error {
	op := &pb.Op{Op: &pb.Op_Exec{Exec: &pb.ExecOp{Mounts: []*pb.Mount{
		{Dest: "/"}, {Dest: "/run/pyfile/out"}, {Dest: "/run/pyfile/out/deep", Selector: "/sub"}, {Dest: "/run/pyfile/secret", MountType: pb.MountType_SECRET},
	}}}}
	err := fmt.Errorf("process did not complete successfully: %w", errors.New("exit code: 1"))
	err = errdefs.WrapVertex(err, digest.FromString("step"))
	return &errdefs.SolveError{Err: err, Solve: &errdefs.Solve{Op: op, MountIDs: []string{"root", "out", "deep", ""}}}
}

func frontendImage() (bkllb.State, error) { return bkllb.Image("org/pyfile:1"), nil }

func TestFailureIsReadFromTheMountThatHoldsTheFile(t *testing.T) {
	files := map[string]string{"out/why.json": "of out", "deep/sub/why.json": "of deep", "root/opt/why.json": "of root", "root/run/pyfile/outer/why.json": "of outer"}
	for file, want := range map[string]string{
		"/run/pyfile/out/why.json":      "of out",
		"/run/pyfile/out/deep/why.json": "of deep",
		"/opt/why.json":                 "of root",
		"/run/pyfile/outer/why.json":    "of outer",
		"/run/pyfile/out/none.json":     "",
		"/run/pyfile/secret/why.json":   "",
	} {
		for _, caps := range [][]apicaps.CapID{current, older} {
			k := &keeper{files: files, caps: caps}
			data, err := readKept(t.Context(), k, frontendImage, failedStep(), file)
			if string(data) != want || (err == nil) != (want != "") {
				t.Errorf("%s with %v: %q %v", file, caps, data, err)
			}
			if want != "" && k.released != 1 {
				t.Errorf("%s with %v: the container was released %d times", file, caps, k.released)
			}
		}
	}
}

func TestFileOfAFailureHasABound(t *testing.T) {
	k := &keeper{files: map[string]string{"out/why.json": strings.Repeat("x", 3*largestFailure)}}
	for _, k.caps = range [][]apicaps.CapID{current, older} {
		if data, err := readKept(t.Context(), k, frontendImage, failedStep(), "/run/pyfile/out/why.json"); err != nil || len(data) != largestFailure+1 {
			t.Errorf("%d bytes, %v", len(data), err)
		}
	}
}

func TestWhatAFailedStepWroteBecomesTheErrorOfItsLine(t *testing.T) {
	const file = "/run/pyfile/out/failure.json"
	at := pyfile.Range{Start: pyfile.Pos{Line: 7, Col: 1}, End: pyfile.Pos{Line: 7, Col: 9}}
	own := &pyfile.Error{Msg: "the step failed", Hint: "mend it"}
	def := &bkllb.Definition{Metadata: map[digest.Digest]bkllb.OpMetadata{
		digest.FromString("step"): {Description: map[string]string{"llb.customname": "build psycopg2"}},
	}}
	for name, test := range map[string]struct {
		wrote   string
		caps    []apicaps.CapID
		failure *pyfile.Error
		want    string
	}{
		"written":                    {`{"message": "the header libpq-fe.h is missing", "hint": "add it"}`, current, own, "7: the header libpq-fe.h is missing\n\thint: add it"},
		"nothing written":            {"", current, own, "the step failed"},
		"no JSON":                    {"exit 1", current, own, "the step failed"},
		"no message":                 {`{"hint": "add it"}`, current, own, "the step failed"},
		"too long":                   {`{"message": "` + strings.Repeat("x", largestFailure) + `"}`, current, own, "the step failed"},
		"a daemon without exec":      {`{"message": "missing"}`, nil, own, "the step failed"},
		"nothing known of a failure": {"", current, nil, "process did not complete successfully"},
		"control characters":         {`{"message": "a\u001b[2Jb\nc https://bob:hunter2@x.example/?t=s"}`, current, own, "7: a[2Jb c https://***@x.example/"},
	} {
		k := &keeper{caps: test.caps, files: map[string]string{"out/failure.json": test.wrote}}
		b := &build{gateway: k}
		steps := []plan.Step{
			{Name: "another", Exec: &plan.Exec{Failure: file}, Origin: plan.Origin{Range: pyfile.Range{Start: pyfile.Pos{Line: 1}}}},
			{Name: "build psycopg2", Exec: &plan.Exec{Failure: file}, Failure: test.failure, Origin: plan.Origin{Range: at}},
		}
		got := b.explain(t.Context(), failedStep(), def, &plan.Plan{Steps: steps}, &sources{})
		if !strings.Contains(got.Error(), test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}
