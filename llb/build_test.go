package llb

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

	"github.com/org/pyfile/plan"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// sources stand for what the frontend resolves.
func sources() Sources {
	p := platforms.MustParse("linux/amd64")
	return Sources{
		Platform: p, BuildPlatform: p,
		Image: func(ref string, _ bool, opts ...llb.ConstraintsOpt) (llb.State, error) {
			return llb.Image(ref, as[llb.ImageOption](opts)...), nil
		},
		Context: func(c plan.Context, opts ...llb.ConstraintsOpt) (llb.State, error) {
			return llb.Local("context", append(as[llb.LocalOption](opts), llb.ExcludePatterns(c.Without(nil)), llb.LocalUniqueID("test"))...), nil
		},
		Helper: func() (llb.State, error) { return llb.Image("org/pyfile:1"), nil },
	}
}

// dump writes a definition for people: one op a line, with its inputs by number instead of by digest.
func dump(t *testing.T, def *pb.Definition, metadata map[string]string) string {
	t.Helper()
	var b strings.Builder
	for i, data := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(data); err != nil {
			t.Fatal(err)
		}
		for _, in := range op.Inputs {
			in.Digest = metadata[in.Digest]
		}
		text, err := json.Marshal(&op)
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString("op")
		b.WriteString(string(rune('A' + i%26)))
		if i >= 26 {
			b.WriteString(string(rune('a' + i/26)))
		}
		b.WriteString(" ")
		b.Write(text)
		b.WriteString("\n")
	}
	return b.String()
}

// helloPlan is the golden plan of the smallest example.
func helloPlan(t *testing.T) *plan.Plan {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("..", "examples", "hello", "plan.json"))
	if err != nil {
		t.Fatal(err)
	}
	var p plan.Plan
	if err := json.Unmarshal(data, &p); err != nil {
		t.Fatal(err)
	}
	return &p
}

func marshal(t *testing.T, p *plan.Plan) *pb.Definition {
	t.Helper()
	st, err := State(p, sources())
	if err != nil {
		t.Fatal(err)
	}
	def, err := st.Marshal(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return def.ToPB()
}

func TestGraphOfTheHelloExampleIsTheGoldenOne(t *testing.T) {
	def := marshal(t, helloPlan(t))
	labels := map[string]string{}
	for i, data := range def.Def {
		labels[digestOf(data)] = "op" + string(rune('A'+i%26))
	}
	got := dump(t, def, labels)
	golden := filepath.Join("testdata", "hello.llb")
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("the graph differs from %s; run `go test ./llb -update` and read the difference\n%s", golden, got)
	}
}

func TestExecsWithoutNetworkSayso(t *testing.T) {
	offline, online := 0, 0
	for _, data := range marshal(t, helloPlan(t)).Def {
		var op pb.Op
		if err := op.UnmarshalVT(data); err != nil {
			t.Fatal(err)
		}
		if e := op.GetExec(); e != nil {
			if e.Network == pb.NetMode_NONE {
				offline++
			} else {
				online++
			}
		}
	}
	if online != 1 || offline < 3 {
		t.Errorf("%d execs have the network and %d do not", online, offline)
	}
}

func TestTwoTranslationsAreEqual(t *testing.T) {
	first := marshal(t, helloPlan(t))
	for range 10 {
		again := marshal(t, helloPlan(t))
		if len(first.Def) != len(again.Def) {
			t.Fatal("the graphs have different sizes")
		}
		for i := range first.Def {
			if string(first.Def[i]) != string(again.Def[i]) {
				t.Fatalf("op %d differs", i)
			}
		}
	}
}

func TestExecInAnEmptyTreeHasOptionalSecretsAndNoRootInput(t *testing.T) {
	def := marshal(t, &plan.Plan{Result: "ask", Steps: []plan.Step{
		{ID: "query", Files: &plan.Files{Actions: []plan.Action{{Write: &plan.Write{Path: "/query.json", Data: "{}"}}}}},
		{ID: "ask", Exec: &plan.Exec{Args: []string{"/ask"}, Network: true, Secrets: []plan.Secret{{ID: "company", Path: "/run/secrets/company", User: 65533}},
			Mounts: []plan.Mount{{Path: "/query.json", From: "query", Source: "/query.json"}, {Path: "/out", Output: true}}}},
	}})
	seen := false
	for _, data := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(data); err != nil {
			t.Fatal(err)
		}
		e := op.GetExec()
		if e == nil {
			continue
		}
		seen = true
		for _, m := range e.Mounts {
			switch {
			case m.Dest == "/" && m.Input != -1:
				t.Errorf("the root is input %d", m.Input)
			case m.MountType == pb.MountType_SECRET && (m.SecretOpt.ID != "company" || !m.SecretOpt.Optional || m.SecretOpt.Uid != 65533 || m.SecretOpt.Mode != 0o400):
				t.Errorf("secret %+v", m.SecretOpt)
			}
		}
		if len(e.Mounts) != 4 {
			t.Errorf("%d mounts", len(e.Mounts))
		}
	}
	if !seen {
		t.Error("no exec in the graph")
	}
}

func TestTheAgentIsForTheStepThatAsksAndNeverRequired(t *testing.T) {
	def := marshal(t, &plan.Plan{Result: "b", Steps: []plan.Step{
		{ID: "a", Always: true, Exec: &plan.Exec{Args: []string{"/a"}, SSH: true, Mounts: []plan.Mount{{Path: "/out", Output: true}}}},
		{ID: "b", Exec: &plan.Exec{Args: []string{"/b"}, Mounts: []plan.Mount{{Path: "/a", From: "a"}, {Path: "/out", Output: true}}}},
	}})
	seen := 0
	for _, data := range def.Def {
		var op pb.Op
		if err := op.UnmarshalVT(data); err != nil {
			t.Fatal(err)
		}
		if op.GetExec() == nil {
			continue
		}
		seen++
		name := op.GetExec().Meta.Args[0]
		if again := def.Metadata[digestOf(data)].IgnoreCache; again != (name == "/a") {
			t.Errorf("%s ignores the cache: %v", name, again)
		}
		agents := 0
		for _, m := range op.GetExec().Mounts {
			if m.MountType == pb.MountType_SSH {
				agents++
				if !m.SSHOpt.Optional || m.SSHOpt.ID != "default" {
					t.Errorf("%s wants %+v", name, m.SSHOpt)
				}
			}
		}
		if (agents == 1) != (name == "/a") {
			t.Errorf("%s has %d agents", name, agents)
		}
	}
	if seen != 2 {
		t.Errorf("%d execs in the graph", seen)
	}
}

func TestAPlanThatNamesALaterStepIsAnError(t *testing.T) {
	_, err := State(&plan.Plan{Result: "a", Steps: []plan.Step{{ID: "a", Merge: []string{"b"}}}}, sources())
	if err == nil || !strings.Contains(err.Error(), "no earlier step b") {
		t.Errorf("got %v", err)
	}
}

func digestOf(data []byte) string { return digest.FromBytes(data).String() }
