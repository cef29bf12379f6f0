package frontend

import (
	"errors"
	"strings"
	"testing"

	"github.com/moby/buildkit/solver/pb"

	"github.com/org/pyfile/plan"
)

func TestPrintedLinesHaveNoCredentials(t *testing.T) {
	for line, want := range map[string]string{
		`url = "https://bob:hunter2@index.example/simple"`:          `url = "https://***@index.example/simple"`,
		`url = "https://token@index.example/a@b.whl"`:               `url = "https://***@index.example/a@b.whl"`,
		`url = 'https://bob:hun@ter 2@index.example/'`:              `url = 'https://***@index.example/'`,
		`url = "https:/bob:hunter2@index.example"`:                  `url = "https://***@index.example"`,
		`{ git = "https://git.example/x?rev=v1@2#01" }`:             `{ git = "https://git.example/x?rev=v1@2#01" }`,
		`authors = [{ email = "bob@example" }] # https://x.example`: `authors = [{ email = "bob@example" }] # https://x.example`,
	} {
		if got := string(hideCredentials([]byte(line))); got != want {
			t.Errorf("%s becomes %s, want %s", line, got, want)
		}
	}
}

func TestExcerptKeepsTheNumbersOfLines(t *testing.T) {
	lines := strings.Split(strings.Repeat("line\n", 100), "\n")
	lines[49], lines[59] = "first", "last"
	at := func(line int32) *pb.Range {
		return &pb.Range{Start: &pb.Position{Line: line}, End: &pb.Position{Line: line}}
	}
	got := strings.Split(string(excerpt([]byte(strings.Join(lines, "\n")), []*pb.Range{at(60), at(50)})), "\n")
	if got[49] != "first" || got[59] != "last" || got[44] != "" || got[45] != "line" || len(got) > 66 {
		t.Errorf("%q", got)
	}
}

func TestBuildKitsOwnTrustIsAMatterOfTheDaemon(t *testing.T) {
	f := &plan.Fetch{URL: "https://index.example/six.whl", Filename: "six.whl", Lock: "uv.lock"}
	if e := fetchError(f, errors.New(`Get "https://index.example/six.whl": tls: failed to verify certificate: x509: certificate signed by unknown authority`)); e.Hint != daemonTrust {
		t.Errorf("the hint is %q", e.Hint)
	}
}

func TestFailedFetchNamesFileAndAddressButNoToken(t *testing.T) {
	f := &plan.Fetch{URL: "https://index.example/six.whl?token=hunter2", Filename: "six.whl", SHA256: strings.Repeat("b", 64), Lock: "uv.lock"}
	for text, want := range map[string]string{
		"digest mismatch sha256:" + strings.Repeat("a", 64) + ": sha256:" + f.SHA256:                                    "six.whl is not the file that was locked",
		"digest mismatch for " + f.URL + ": sha256:" + strings.Repeat("a", 64) + " (expected: sha256:" + f.SHA256 + ")": "sha256 " + strings.Repeat("a", 64) + ", not " + f.SHA256,
		`Get "` + f.URL + `": connection refused`:                                                                       "six.whl cannot be fetched from https://index.example/six.whl: Get \"https://index.example/six.whl\": connection refused",
	} {
		e := fetchError(f, errors.New(text))
		if !strings.Contains(e.Msg, want) || strings.Contains(e.Msg, "hunter2") || e.File != "uv.lock" || e.Hint == "" {
			t.Errorf("%s: %s", text, e)
		}
	}
}
