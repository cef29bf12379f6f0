package main

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// cut is the day at which the index is cut, so that every run of the bench locks the same versions.
const cut = "2026-11-01T00:00:00Z"

// cutSetting tells every uv so; without it `uv sync --locked` takes the lock for out of date.
const cutSetting = "\n[tool.uv]\nexclude-newer = \"" + cut + "\"\n"

// project is what is built: an example of the repository, and how it changes.
type project struct {
	Name    string
	example string
	// code is the file of which a line changes, and the line that is added.
	code, line string
	// small and big are dependencies that are bumped, later one that a fresh runner bumps, and added one that is added.
	small, big, later, added string
	// second is another project with dependencies in common.
	second []string
	// modules are what a container imports first, and serve its command if it answers HTTP; it takes --port.
	modules string
	serve   []string
	// disk is the bytes that a round takes, of all daemons and the registry together.
	disk int64
}

var projects = []project{
	{
		Name: "web", example: "fastapi", code: "app/main.py", line: "CHANGED = \"a line of code\"\n",
		small: "click", big: "uvloop", later: "idna", added: "itsdangerous",
		second:  []string{"fastapi>=0.115", "uvicorn[standard]>=0.34", "jinja2", "sqlalchemy"},
		modules: "fastapi, uvicorn, app.main",
		serve:   []string{"uvicorn", "app.main:app", "--host", "127.0.0.1"},
		disk:    8e9,
	},
	{
		Name: "data", example: "data", code: "src/data/report.py", line: "CHANGED = \"a line of code\"\n",
		small: "certifi", big: "scipy", later: "idna", added: "tenacity",
		second:  []string{"numpy", "pandas", "scikit-learn", "scipy", "matplotlib", "flask"},
		modules: "numpy, pandas, scipy, sklearn, django, boto3, fastapi, data.report",
		disk:    40e9,
	},
}

// variant is a state of a project: a folder with everything that each way to build needs.
type variant struct {
	name string
	dir  string
	// wants are distributions of the image that tell this variant from the first; code says that the changed line must be there.
	wants map[string]string
	code  bool
}

// variants makes the folders of a project. index is the address of the index that the locks name.
func (b *bench) variants(p project, root, index string) (map[string]*variant, error) {
	out := map[string]*variant{}
	make := func(name, from string, change func(dir string) error) error {
		v := &variant{name: name, dir: filepath.Join(root, name), wants: map[string]string{}}
		if err := os.CopyFS(v.dir, os.DirFS(from)); err != nil {
			return err
		}
		if err := change(v.dir); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		out[name] = v
		return b.export(v.dir, index)
	}
	// The first state is locked one release behind in the dependencies that are bumped later.
	first := filepath.Join(root, "first")
	newest := map[string]string{}
	err := make("first", filepath.Join("examples", p.example), func(dir string) error {
		if err := os.Remove(filepath.Join(dir, "uv.lock")); err != nil && !os.IsNotExist(err) {
			return err
		}
		if err := appendTo(filepath.Join(dir, "pyproject.toml"), cutSetting); err != nil {
			return err
		}
		if err := b.lock(dir, index); err != nil {
			return err
		}
		for _, name := range []string{p.small, p.big, p.later} {
			now, err := locked(dir, name)
			if err != nil {
				return err
			}
			newest[name] = now
			if err := b.lock(dir, index, "--upgrade-package", name+"<"+now); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	bump := func(name string) func(string) error {
		return func(dir string) error { return b.lock(dir, index, "--upgrade-package", name+"=="+newest[name]) }
	}
	code := func(dir string) error { return appendTo(filepath.Join(dir, p.code), p.line) }
	steps := []struct {
		name, wants string
		code        bool
		change      func(string) error
	}{
		{"code", "", true, code},
		{"small", p.small, false, bump(p.small)},
		{"big", p.big, false, bump(p.big)},
		{"later", p.later, false, bump(p.later)},
		{"added", p.added, false, func(dir string) error {
			file := filepath.Join(dir, "pyproject.toml")
			data, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			changed := bytes.Replace(data, []byte("dependencies = ["), []byte("dependencies = [\""+p.added+"\", "), 1)
			if err := os.WriteFile(file, changed, 0o644); err != nil {
				return err
			}
			return b.lock(dir, index)
		}},
		{"second", "other", false, func(dir string) error { return b.other(p, dir, index) }},
	}
	for _, s := range steps {
		if err := make(s.name, first, s.change); err != nil {
			return nil, err
		}
		v := out[s.name]
		v.code = s.code
		if s.wants == "other" {
			v.wants["other"] = "2.0.0"
		} else if s.wants != "" {
			version, err := locked(v.dir, s.wants)
			if err != nil {
				return nil, err
			}
			before, _ := locked(first, s.wants)
			if version == before {
				return nil, fmt.Errorf("%s: %s is %s before and after", s.name, s.wants, version)
			}
			v.wants[s.wants] = version
		}
	}
	return out, nil
}

// other makes the project in dir another one, which has dependencies in common with the first.
func (b *bench) other(p project, dir, index string) error {
	for _, name := range []string{"src", "app", "uv.lock", "requirements.txt"} {
		if err := os.RemoveAll(filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	files := map[string]string{
		"src/other/__init__.py": "\"\"\"Another service of the same team.\"\"\"\n",
		"Pyfile":                "# syntax=org/pyfile:1\npython = \"3.13\"\n",
		"pyproject.toml": "[project]\nname = \"other\"\nversion = \"2.0.0\"\nrequires-python = \">=3.11\"\ndependencies = [\"" + strings.Join(p.second, `", "`) +
			"\"]\n\n[build-system]\nrequires = [\"hatchling==1.27.0\"]\nbuild-backend = \"hatchling.build\"\n" + cutSetting,
	}
	for name, text := range files {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	if err := b.lock(dir, index); err != nil {
		return err
	}
	// The same releases as the first project, whose lock is one behind.
	for _, name := range []string{p.small, p.big, p.later} {
		first, err := locked(filepath.Join(filepath.Dir(dir), "first"), name)
		if err != nil {
			return err
		}
		if _, err := locked(dir, name); err != nil {
			continue
		}
		if err := b.lock(dir, index, "--upgrade-package", name+"=="+first); err != nil {
			return err
		}
	}
	return nil
}

// lock runs uv, as examples/locks does.
func (b *bench) lock(dir, index string, args ...string) error {
	return quiet(dir, b.uv, append([]string{"lock", "--quiet", "--default-index", index}, args...)...)
}

// export writes the lock as the requirements file that pip reads.
func (b *bench) export(dir, index string) error {
	return quiet(dir, b.uv, "export", "--quiet", "--default-index", index, "--frozen", "--no-dev", "--no-emit-project",
		"--no-header", "-o", "requirements.txt")
}

// locked reads the version of a package from uv.lock.
func locked(dir, name string) (string, error) {
	data, err := os.ReadFile(filepath.Join(dir, "uv.lock"))
	if err != nil {
		return "", err
	}
	m := regexp.MustCompile(`(?m)^name = "` + regexp.QuoteMeta(name) + `"\nversion = "(.*)"$`).FindSubmatch(data)
	if m == nil {
		return "", fmt.Errorf("%s is not in the lock", name)
	}
	return string(m[1]), nil
}

func appendTo(file, text string) error {
	f, err := os.OpenFile(file, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	if _, err := f.WriteString(text); err != nil {
		return err
	}
	return f.Close()
}

// quiet runs a program whose output matters only if it fails.
func quiet(dir, program string, args ...string) error {
	cmd := exec.Command(program, args...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args, " "), err, out)
	}
	return nil
}
