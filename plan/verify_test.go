package plan

import (
	"slices"
	"strings"
	"testing"

	"github.com/org/pyfile/verify"
)

func TestTheBaseIsDescribedWithWhatItsConfigurationSays(t *testing.T) {
	for _, tt := range []struct {
		name string
		env  []string
		more string // of the Pyfile
		want string
	}{
		{"with a PATH", []string{"PATH=/usr/local/bin:/usr/bin"}, "", "--path /usr/local/bin:/usr/bin --interpreter /usr/local/bin/python3.13"},
		{"without a PATH", nil, "", "--path " + defaultPath + " --interpreter /usr/local/bin/python3.13"},
		{"with libraries", []string{"LD_LIBRARY_PATH=/opt/a:/opt/b", "PATH=/bin"}, "", "--path /bin --interpreter /usr/local/bin/python3.13 --library-path /opt/a:/opt/b"},
		{"without libraries", []string{"LD_LIBRARY_PATH=", "PATH=/bin"}, "", "--path /bin --interpreter /usr/local/bin/python3.13"},
		{"with variables of the Pyfile", []string{"PATH=/bin"}, "[env]\nPATH = \"/opt/tools\"\nLD_LIBRARY_PATH = \"/opt/tools/lib\"\n", "--path /bin --interpreter /usr/local/bin/python3.13"},
	} {
		in := sourcesInputs()
		in.Base.Config.Config.Env = tt.env
		p := decided(t, sourcesProject(tt.more), in)
		args := p.step(t, "system").Exec.Args
		if got := strings.Join(args[slices.Index(args, "system"):], " "); got != "system --root / --out "+outDir+" "+tt.want {
			t.Errorf("%s: the arguments are %s", tt.name, got)
		}
		if args := p.step(t, "builder-system").Exec.Args; args[len(args)-1] != outDir {
			t.Errorf("%s: the builder is described with %q", tt.name, args)
		}
	}
}

func TestWhatThePackagesOfTheDistributionMendIsShownAtTheirLine(t *testing.T) {
	p := decided(t, sourcesProject("[apt]\nrun = [\"libpq5\"]\n"), sourcesInputs())
	var report verify.Report
	kinds := []verify.Kind{verify.MissingLibrary, verify.Libc, verify.Symbols, verify.Dlopen, verify.Program}
	for _, kind := range kinds {
		report.Findings = append(report.Findings, verify.Finding{Kind: kind, Severity: verify.Warning, Distribution: "plain", Short: "short", Message: "details", Hint: "what to do"})
	}
	errs, warnings := p.Problems(&report)
	if len(errs) > 0 || len(warnings) != len(kinds) {
		t.Fatalf("errors %v, warnings %v", errs, warnings)
	}
	for i, w := range warnings {
		if w.File != "" || w.Range.Start.Line != 3 || w.Msg != "short" || w.Hint != "details; what to do" {
			t.Errorf("%s is shown as %+v", kinds[i], w.Error)
		}
		if w.Rule == nil || w.Rule != rules[kinds[i]] {
			t.Errorf("%s has the rule %+v", kinds[i], w.Rule)
		}
	}
	if name := warnings[len(kinds)-1].Rule.Name; name != "MissingProgram" {
		t.Errorf("the rule of programs is %s", name)
	}
}

func TestNamesOfFilesReachNoTerminalAsTheyAre(t *testing.T) {
	p := decided(t, exampleFiles(t, "../examples/hello"), inputs("linux/amd64"))
	errs, warnings := p.Problems(&verify.Report{Findings: []verify.Finding{
		{Kind: verify.MissingLibrary, Severity: verify.Error, Message: "a\x1b[2Jb needs c\nd", Hint: "e\x07"},
		{Kind: verify.Collision, Severity: verify.Warning, Short: "a\u202eb", Message: "a\u202eb"},
	}})
	if len(errs) != 1 || errs[0].Msg != "a[2Jb needs cd" || errs[0].Hint != "e" || len(warnings) != 1 || warnings[0].Msg != "ab" {
		t.Errorf("got %v and %v", errs, warnings)
	}
}
