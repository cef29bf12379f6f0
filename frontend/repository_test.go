package frontend

import (
	"context"
	"testing"

	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/solver/pb"

	"github.com/org/pyfile/plan"
)

// sourcesOf is what a state is made of.
func sourcesOf(t *testing.T, st bkllb.State) *pb.Definition {
	t.Helper()
	def, err := st.Marshal(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return def.ToPB()
}

func TestGitContextsAreKnownByWhereTheyComeFrom(t *testing.T) {
	const commit = "0123456789012345678901234567890123456789"
	for address, want := range map[string]plan.Repository{
		"https://git.example/shop.git":                                              {URL: "https://git.example/shop.git"},
		"https://git.example/shop.git#main:services/api":                            {URL: "https://git.example/shop.git", Ref: "main", Subdir: "services/api"},
		"https://git.example/shop.git?tag=v1.0&subdir=api":                          {URL: "https://git.example/shop.git", Ref: "refs/tags/v1.0", Subdir: "api"},
		"git@git.example:shop.git#main":                                             {URL: "git@git.example:shop.git", Ref: "main"},
		"ssh://git@git.example:2222/shop.git#" + commit:                             {URL: "ssh://git@git.example:2222/shop.git", Ref: commit},
		"https://git.example/shop.git?checksum=" + commit + "&fetch-by-commit=true": {URL: "https://git.example/shop.git", Ref: commit},
	} {
		st, ok, err := dockerui.DetectGitContext(address, nil)
		if !ok || err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		source := gitSource(sourcesOf(t, *st))
		got := repositoryOf(source, "")
		if got == nil || *got != want {
			t.Errorf("%s comes from %+v, not %+v", address, got, want)
			continue
		}
		whole := gitSource(sourcesOf(t, checkout(source)))
		if whole.Attrs[pb.AttrKeepGitDir] != "true" || whole.Attrs[pb.AttrFullRemoteURL] != want.URL || *repositoryOf(whole, "") != (plan.Repository{URL: want.URL, Ref: want.Ref}) {
			t.Errorf("the checkout of %s is %s with %v", address, whole.Identifier, whole.Attrs)
		}
	}
	copied := bkllb.Scratch().File(bkllb.Copy(bkllb.Git("https://git.example/shop.git", "main"), "/api", "/"))
	if got := repositoryOf(gitSource(sourcesOf(t, copied)), "api"); got == nil || got.Subdir != "api" {
		t.Errorf("a directory of a git context comes from %+v", got)
	}
	for name, st := range map[string]bkllb.State{
		"http":  bkllb.HTTP("https://git.example/shop.tar.gz"),
		"image": bkllb.Image("busybox"),
		"two":   bkllb.Merge([]bkllb.State{bkllb.Git("https://git.example/a.git", ""), bkllb.Git("https://git.example/b.git", "")}),
	} {
		if got := repositoryOf(gitSource(sourcesOf(t, st)), ""); got != nil {
			t.Errorf("%s comes from the repository %+v", name, got)
		}
	}
}
