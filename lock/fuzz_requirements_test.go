package lock

import (
	"bytes"
	"strings"
	"testing"

	"github.com/org/pyfile/index"
	"github.com/org/pyfile/pyfile"
)

// FuzzRequirements reads any bytes as requirements files, of which one may include the other, and selects from them.
func FuzzRequirements(f *testing.F) {
	for _, a := range fixtures(f, "select") {
		main, ok := a.part("requirements.txt")
		if !ok {
			continue
		}
		other := ""
		for _, name := range []string{"limits.txt", "base.txt", "a/one.txt"} {
			if text, ok := a.part(name); ok {
				other = text
			}
		}
		f.Add(expandHashes(main), expandHashes(other), "dev")
	}
	f.Add([]byte("-r other.txt\n-c other.txt\nsix"), []byte("\xff\xfea\x00\n\x00"), "")
	f.Add([]byte("-r other.txt"), []byte("# coding: latin-1\n-r requirements.txt\n\xe9"), "")
	f.Add([]byte("--index-url https://user:hunter2@index.example/simple\nfoo @ https://user:hunter2@files.example/x"), []byte(""), "")
	f.Fuzz(func(t *testing.T, data, other []byte, group string) {
		names := []string{"requirements.txt"}
		files := map[string][]byte{"requirements.txt": data}
		for range 6 {
			for _, name := range Needs(names, files) {
				files[name] = nil
			}
			files["other.txt"] = other
			files["lib/pyproject.toml"] = []byte("[project]\nname = \"lib\"\n")
		}
		if more := Needs(names, files); len(more) > 0 && len(bytes.Join([][]byte{data, other}, nil)) < 1000 {
			t.Fatalf("Needs asks for %q again and again", more)
		}
		l, err := Read(names, files)
		if (l == nil) == (err == nil) {
			t.Fatalf("Read returned %v and %v", l, err)
		}
		if err != nil {
			checkRequirementProblems(t, err, files)
			return
		}
		for _, name := range l.Requirements() {
			if name == "" || strings.HasPrefix(name, "/") || strings.HasPrefix(name, "../") {
				t.Errorf("Requirements() has %q", name)
			}
		}
		for _, dir := range l.Directories(nil) {
			if dir == "" || strings.HasPrefix(dir, "/") || strings.HasPrefix(dir+"/", "../") {
				t.Errorf("Directories() has %q", dir)
			}
		}
		if l.Loose != nil {
			return
		}
		query := l.Query()
		found := &index.Answer{}
		for i, p := range query {
			if i > 0 && query[i-1].Name >= p.Name {
				t.Errorf("the query has %q behind %q", p.Name, query[i-1].Name)
			}
			answer := index.Found{Name: p.Name}
			for j, file := range p.Files {
				if !hex64.MatchString(file.SHA256) || file.Name != "" {
					t.Errorf("the query has %+v", file)
				}
				name := p.Name + []string{"-1.0.tar.gz", "-1.0-py3-none-any.whl"}[j%2]
				answer.Files = append(answer.Files, index.File{Name: name, URL: "https://files.example/" + name, SHA256: file.SHA256})
			}
			found.Packages = append(found.Packages, answer)
		}
		for _, r := range []Request{{Found: found}, {}, {Groups: located(group)}} {
			r.Target = fuzzTarget
			artifacts, err := l.Select(r)
			if (err != nil) && artifacts != nil || len(r.Groups) > 0 && err == nil {
				t.Fatalf("Select returned %d artifacts and %v", len(artifacts), err)
			}
			if err != nil {
				checkRequirementProblems(t, err, files)
				continue
			}
			for _, a := range artifacts {
				checkArtifacts(t, []Artifact{a}, decoded(a.Lock, files))
			}
		}
	})
}

// decoded is the text that places of a file are places of.
func decoded(name string, files map[string][]byte) []byte {
	if text, problem := decodeRequirements(name, files[name]); problem == nil {
		return []byte(text)
	}
	return files[name]
}

// checkRequirementProblems checks problems of several files, and that none shows a password of an address.
func checkRequirementProblems(t *testing.T, err error, files map[string][]byte) {
	t.Helper()
	for name := range files {
		checkProblems(t, err, name, decoded(name, files))
	}
	const secret = ":hunter2@"
	all := bytes.ReplaceAll(bytes.Join([][]byte{files["requirements.txt"], files["other.txt"]}, []byte("\n")), []byte(secret), nil)
	errs, _ := err.(pyfile.Errors)
	for _, e := range errs {
		if e.File != "" && files[e.File] == nil {
			t.Errorf("a problem of %q, which is not there: %s", e.File, e.Msg)
		}
		if strings.Contains(e.Error(), "hunter2") && !bytes.Contains(all, []byte("hunter2")) {
			t.Errorf("the message shows a password: %s", e.Error())
		}
	}
}
