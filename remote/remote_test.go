package remote

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestTheLoginIsTheFirstSecretThatIsGivenAsForBuildKit(t *testing.T) {
	const address = "https://git.example:8443/tools.git"
	for _, test := range []struct {
		given map[string]string
		want  string
	}{
		{nil, ""},
		{map[string]string{"GIT_AUTH_TOKEN": "t\n"}, "Basic eC1hY2Nlc3MtdG9rZW46dA=="},
		{map[string]string{"GIT_AUTH_TOKEN": "t", "GIT_AUTH_HEADER": "Bearer h"}, "Bearer h"},
		{map[string]string{"GIT_AUTH_TOKEN.git.example:8443": "t", "GIT_AUTH_HEADER": "Bearer h"}, "Basic eC1hY2Nlc3MtdG9rZW46dA=="},
		{map[string]string{"GIT_AUTH_TOKEN.other.example": "t"}, ""},
		{map[string]string{"GIT_AUTH_HEADER.git.example:8443": "", "GIT_AUTH_HEADER": "Bearer h"}, "Bearer h"},
	} {
		dir := t.TempDir()
		for id, text := range test.given {
			if err := os.WriteFile(filepath.Join(dir, id), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := Authorization(address, dir)
		if got != test.want || err != nil {
			t.Errorf("given %v the header is %q (%v), not %q", test.given, got, err, test.want)
		}
		if got, err := Authorization("ssh://git@git.example:8443/tools.git", dir); got != "" || err != nil {
			t.Errorf("ssh gets the header %q (%v)", got, err)
		}
	}
}

func TestATokenIsForItsAddressAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "GIT_AUTH_TOKEN.git.example"), []byte("t"), 0o600); err != nil {
		t.Fatal(err)
	}
	env, err := Environment([]string{"https://other.example/x.git", "https://git.example/y.git"}, dir, filepath.Join(dir, "ca-bundle"), dir)
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(env, "\n")
	if strings.Count(text, "Authorization: ") != 1 || !slices.Contains(env, "GIT_CONFIG_KEY_1=http.https://git.example/y.git.extraHeader") || !slices.Contains(env, "GIT_CONFIG_COUNT=2") {
		t.Errorf("the environment is\n%s", text)
	}
	if err := os.WriteFile(filepath.Join(dir, "GIT_AUTH_TOKEN"), []byte("a\nb"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Environment([]string{"https://other.example/x.git"}, dir, "", dir); err == nil || err.Error() != "the build secret GIT_AUTH_TOKEN must be one line" {
		t.Errorf("a secret of two lines: %v", err)
	}
}

func TestAddressesOfSSHAreKnown(t *testing.T) {
	for address, want := range map[string]bool{
		"ssh://git@git.example:2222/tools.git": true, "git@git.example:tools.git": true, "https://git.example/tools.git": false, "git://git.example/tools.git": false,
	} {
		if UsesSSH(address) != want {
			t.Errorf("%s: %v", address, !want)
		}
	}
}

func TestTheReasonIsWhatSSHSaysWhereGitSaysNothing(t *testing.T) {
	for said, want := range map[string]string{
		"git stderr:\ngit@git.example: Permission denied (publickey).\r\nfatal: Could not read from remote repository.\n\nPlease make sure": "git@git.example: Permission denied (publickey).",
		"exit status 128: fatal: couldn't find remote ref refs/heads/x\n":                                                                   "couldn't find remote ref refs/heads/x",
		"no SSH key \"default\" forwarded from the client":                                                                                  "no SSH key \"default\" forwarded from the client",
	} {
		if got := Reason(said); got != want {
			t.Errorf("of %q the reason is %q", said, got)
		}
	}
}

func TestAddressesAreThoseOfRequirements(t *testing.T) {
	got := Addresses("# a @ git+https://git.example/comment.git\na @ git+ssh://git@git.example:2222/a.git@main#subdirectory=x ; python_version > '3'\n-e git+https://git.example/b#egg=b\nc==1\n",
		"dependencies = [\"d @ git+https://git.example/d.git\", 'a @ git+ssh://git@git.example:2222/a.git@v1']")
	if want := []string{"https://git.example/b", "https://git.example/d.git", "ssh://git@git.example:2222/a.git"}; !slices.Equal(got, want) {
		t.Errorf("the addresses are %q, not %q", got, want)
	}
}
