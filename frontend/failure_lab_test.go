//go:build integration

package frontend

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/gateway/grpcclient"
	_ "github.com/moby/buildkit/util/grpcutil/encoding/proto" // the codec that the daemon speaks
)

// TestMain makes a frontend of this test program, which BuildKit starts as /pyfile in an image of its own: only a frontend in a container
// sees what a daemon keeps of a failed step the way the product does.
func TestMain(m *testing.M) {
	var err error
	switch {
	case os.Args[0] != "/pyfile":
		os.Exit(m.Run())
	case len(os.Args) > 3:
		err = Cat(os.Stdout, os.Args[2], os.Args[3])
	default:
		err = grpcclient.RunFromEnvironment(context.Background(), failAndRead)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// wrote are the files that a failed step leaves, and links of which none may be followed out of their mount.
var wrote = []struct{ file, want string }{
	{"/run/pyfile/out/why.json", "of out\n"},
	{"/run/pyfile/failure/why.json", "of scratch\n"},
	{"/opt/why.json", "of root\n"},
	{"/run/pyfile/out/none.json", ""},
	{"/run/pyfile/out/absolute", ""},
	{"/run/pyfile/out/relative", ""},
}

// failAndRead runs a step that fails, and reports as its error what was read of the step in both ways.
func failAndRead(ctx context.Context, c client.Client) (*client.Result, error) {
	const script = `echo of out >/run/pyfile/out/why.json; echo of scratch >/run/pyfile/failure/why.json; echo of root >/opt/why.json
ln -s /etc/passwd /run/pyfile/out/absolute; ln -s ../../../../etc/passwd /run/pyfile/out/relative; echo the usual log; exit 3`
	ex := bkllb.Image("python:3.13-slim").Run(bkllb.Args([]string{"sh", "-c", script}), bkllb.Dir("/"), bkllb.IgnoreCache)
	ex.AddMount("/run/pyfile/failure", bkllb.Scratch(), bkllb.ForceNoOutput)
	def, err := ex.AddMount("/run/pyfile/out", bkllb.Scratch()).Marshal(ctx)
	if err != nil {
		return nil, err
	}
	_, failed := c.Solve(ctx, client.SolveRequest{Definition: def.ToPB(), Evaluate: true})
	if failed == nil {
		return nil, fmt.Errorf("the step did not fail")
	}
	report := fmt.Sprintf("failed as it should: %t\n", strings.Contains(failed.Error(), "exit code: 3"))
	for _, w := range wrote {
		id, name := kept(failed, w.file)
		for way, read := range map[string]func() ([]byte, error){
			"daemon":  func() ([]byte, error) { return readByDaemon(ctx, c, id, name) },
			"process": func() ([]byte, error) { return readByProcess(ctx, c, ownImage, id, name) },
		} {
			data, err := read()
			report += fmt.Sprintf("%s by %s: %q %t\n", w.file, way, data, err == nil)
		}
	}
	return nil, fmt.Errorf("%s", report)
}

func TestDaemonsKeepWhatAFailedStepWrote(t *testing.T) {
	dir := t.TempDir()
	run := func(script string, fails bool) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "bash", "-c", `. "$("$LAB/state")/env"; cd "$DIR"; `+script)
		lab, err := filepath.Abs(filepath.Join("..", "integration", "lab"))
		if err != nil {
			t.Fatal(err)
		}
		cmd.Env = append(os.Environ(), "LAB="+lab, "DIR="+dir)
		out, err := cmd.CombinedOutput()
		if (err != nil) != fails {
			t.Fatalf("%v\n%s", err, out)
		}
		return string(out)
	}
	build := exec.CommandContext(t.Context(), "go", "test", "-c", "-tags", "integration", "-trimpath", "-ldflags=-s -w", "-o", filepath.Join(dir, "pyfile"), ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if err := os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\nCOPY pyfile /pyfile\nENTRYPOINT [\"/pyfile\"]\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	run(`buildctl build --frontend dockerfile.v0 --local dockerfile=. --local context=. --output "type=image,name=$PYFILE_LAB_REGISTRY/org/pyfile-failure:test,push=true"
printf '# syntax=%s/org/pyfile-failure:test\n' "$PYFILE_LAB_REGISTRY" >Pyfile`, false)
	for daemon, script := range map[string]string{
		"buildkitd":     `buildctl build --progress plain --frontend gateway.v0 --opt "source=$PYFILE_LAB_REGISTRY/org/pyfile-failure:test" --local dockerfile=. --local context=.`,
		"Docker Engine": `docker buildx build --builder default --progress plain -f Pyfile .`,
	} {
		out := run(script, true)
		for _, line := range []string{"failed as it should: true", "the usual log"} {
			if !strings.Contains(out, line) {
				t.Errorf("%s: no %q in\n%s", daemon, line, out)
			}
		}
		for _, w := range wrote {
			for _, way := range []string{"daemon", "process"} {
				if line := fmt.Sprintf("%s by %s: %q %t", w.file, way, w.want, w.want != ""); !strings.Contains(out, line) {
					t.Errorf("%s: no %s in\n%s", daemon, line, out)
				}
			}
		}
	}
}
