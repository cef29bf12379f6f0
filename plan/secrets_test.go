package plan

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/org/pyfile/index"
)

// The secret of an index is for the program that asks indexes: for no other step of any example, and what that program starts cannot read it.
func TestSecretsOfIndexesReachOnlyTheProgramThatAsksIndexes(t *testing.T) {
	pyfiles, err := filepath.Glob("../examples/*/Pyfile")
	if err != nil || len(pyfiles) < 4 {
		t.Fatalf("examples: %v, %v", pyfiles, err)
	}
	seen := map[string]bool{} // commands of that program
	for _, name := range pyfiles {
		files := exampleFiles(t, filepath.Dir(name))
		files["Pyfile"] += "\n[index.canary]\nurl = \"https://canary.example/simple/\"\nsecret = \"canary\"\n"
		plan, err := planOf(project(t, "", files), inputs("linux/amd64"))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, s := range plan.Steps {
			if s.Exec == nil {
				continue
			}
			asks := s.Exec.Args[0] == indexPath
			gets := slices.ContainsFunc(s.Exec.Secrets, func(s Secret) bool { return s.ID == "canary" })
			if gets != (asks && s.Exec.Args[1] != "settings") {
				t.Errorf("%s: step %s gets the secret: %v", name, s.ID, gets)
			}
			if gets {
				seen[s.Exec.Args[1]] = true
			}
			for _, secret := range s.Exec.Secrets {
				if secret.ID == "canary" && secret.User != index.SecretOwner {
					t.Errorf("%s: step %s has the secret as a file of %d", name, s.ID, secret.User)
				}
				if secret.ID == CASecret && !s.Exec.Network {
					t.Errorf("%s: step %s has no network, but certificates", name, s.ID)
				}
			}
		}
	}
	for _, command := range []string{"lookup", "fetch", "resolve", "run"} {
		if !seen[command] {
			t.Errorf("no example has a step that runs pyfile-index %s", command)
		}
	}
}

// BuildKit releases what the mounts of a failed exec read once for each, and reports that instead of the failure if two read one tree.
func TestNoExecReadsOneTreeByTwoMounts(t *testing.T) {
	pyfiles, err := filepath.Glob("../examples/*/Pyfile")
	if err != nil || len(pyfiles) < 4 {
		t.Fatalf("examples: %v, %v", pyfiles, err)
	}
	for _, name := range pyfiles {
		for _, more := range []string{"", "\n[index.canary]\nurl = \"https://canary.example/simple/\"\nsecret = \"canary\"\n"} {
			files := exampleFiles(t, filepath.Dir(name))
			files["Pyfile"] += more
			plan, err := planOf(project(t, "", files), inputs("linux/amd64"))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			for _, s := range plan.Steps {
				read := map[string]bool{}
				for i := 0; s.Exec != nil && i < len(s.Exec.Mounts); i++ {
					m := s.Exec.Mounts[i]
					if m.From == "" || m.Output || m.As != "" || m.Cache != "" || m.Discard {
						continue
					}
					if read[m.From] {
						t.Errorf("%s: step %s mounts %s twice", name, s.ID, m.From)
					}
					read[m.From] = true
				}
			}
		}
	}
}

// Of several indexes pip takes the highest version anywhere, so it must not ask those of the image itself.
func TestBuildRequirementsAreAskedForByOurselvesWhereTheImageNamesIndexes(t *testing.T) {
	for name, change := range map[string]func(files map[string]string, in *Inputs){
		"nothing": func(map[string]string, *Inputs) {},
		"other variables": func(_ map[string]string, in *Inputs) {
			in.Base.Config.Config.Env = append(in.Base.Config.Config.Env, "PIP_NO_CACHE_DIR=1")
		},
		"a variable": func(_ map[string]string, in *Inputs) {
			in.Base.Config.Config.Env = append(in.Base.Config.Config.Env, "PIP_EXTRA_INDEX_URL=https://index.example/")
		},
		"a file": func(_ map[string]string, in *Inputs) { in.Facts.Indexes = true },
		"a variable of the builder": func(files map[string]string, in *Inputs) {
			files["Pyfile"] += "builder = \"builder.example/python:3.13\"\n"
			in.Builder.Config.Config.Env = append(in.Builder.Config.Config.Env, "PIP_INDEX_URL=https://index.example/")
		},
		"the Pyfile": func(files map[string]string, _ *Inputs) {
			files["Pyfile"] += "[index.company]\nurl = \"https://index.example/\"\n"
		},
	} {
		files, in := exampleFiles(t, "../examples/hello"), inputs("linux/amd64")
		change(files, &in)
		p, err := project(t, "", files).New(in)
		if err != nil {
			t.Fatal(err)
		}
		e := find(p)["build-env-app"].Exec
		if e == nil {
			t.Fatalf("%s: no step installs build requirements", name)
		}
		if runs := e.Args[0] == indexPath && e.Args[1] == "run"; runs != (name != "nothing" && name != "other variables") {
			t.Errorf("%s: %v", name, e.Args)
		}
	}
}
