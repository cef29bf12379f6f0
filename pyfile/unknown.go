package pyfile

import (
	"maps"
	"slices"
	"strings"
)

// foreignWords are words that people bring along from Dockerfiles, Compose files and other tools, with what to write here.
var foreignWords = map[string]string{
	"from":     `write base = "IMAGE", or leave it out for python:<python>-slim`,
	"image":    `write base = "IMAGE"`,
	"run":      "cmd is what the container runs; a command at build time is a table [steps.NAME]",
	"command":  `write cmd = ["..."]`,
	"script":   `write cmd = ["..."]`,
	"start":    `write cmd = ["..."]`,
	"copy":     "files of the application are chosen with include and exclude in [app]",
	"add":      "files of the application are chosen with include and exclude in [app]",
	"onbuild":  "there is no such thing here: write what the build does",
	"shell":    "there is no shell: cmd is a list of arguments",
	"arg":      "write a table [args]",
	"label":    "write a table [labels]",
	"volume":   `write volumes = ["/data"]`,
	"port":     "write expose = [8000]",
	"ports":    "write expose = [8000]",
	"platform": "name platforms with --platform when you build",

	"environment":     "write a table [env]",
	"version":         `write python = "3.13"`,
	"python-version":  `write python = "3.13"`,
	"requires-python": `write python = "3.13"`,
	"maintainer":      `write "org.opencontainers.image.authors" = "..." in [labels]`,
	"authors":         `write "org.opencontainers.image.authors" = "..." in [labels]`,

	"requirements":     `write lock = "uv.lock" in [dependencies]`,
	"requirements.txt": `write lock = "uv.lock" in [dependencies]`,
	"packages":         "Python packages stand in the lock file; those of the distribution in a table [apt]",
	"system":           "write packages of the distribution in a table [apt]",
	"apk":              "write packages of the distribution in a table [apt], those of Alpine too",
	"apt-get":          "write a table [apt] with run and build",
	"build":            "compilers and headers for dependencies are named with build in [apt]",
	"source":           `write install = "source" in [app]`,
	"index-url":        "write a table [index.NAME] with url",
	"extra-index-url":  "write a table [index.NAME] with url",
	"secrets":          "secrets are named by their id in [index.NAME] and [steps.NAME]",
	"targets":          "name the target with --target when you build",

	"tool":         "[tool.pyfile] is for pyproject.toml: in a Pyfile the keys stand at the top",
	"project":      "[project] belongs in pyproject.toml",
	"build-system": "[build-system] belongs in pyproject.toml",
}

// foreignNames are the words in a fixed order.
var foreignNames = slices.Sorted(maps.Keys(foreignWords))

// unknownKey reports a key that a table does not have: a word of another tool, a slip of the keyboard, or a key that
// belongs elsewhere. at is the table's path in the language, shown its name in messages.
func (d *decoder) unknownKey(at, shown string, e *entry) {
	known := namesIn(at)
	hint := ""
	word := foldName(e.name)
	near := Suggest(e.name, known)
	switch elsewhere := d.elsewhere(at, word); {
	case foldName(near) == word && near != "":
		hint = "did you mean " + quote(join(shown, near)) + "?"
	case at == "" && foreignWords[word] != "":
		hint = d.foreign(word)
	case elsewhere != "":
		hint = elsewhere
	case near != "":
		hint = "did you mean " + quote(join(shown, near)) + "?"
	case at == "" && Suggest(word, foreignNames) != "":
		hint = d.foreign(Suggest(word, foreignNames))
	case at != "":
		hint = "keys of [" + shown + "]: " + strings.Join(known, ", ")
	}
	d.report(e.at, hint, "unknown key %s", quote(join(shown, e.name)))
}

// foreign is the advice for a word of another tool, with the tables as they are called in this file.
func (d *decoder) foreign(word string) string {
	hint := foreignWords[word]
	for _, name := range namesIn("") {
		hint = strings.NewReplacer("["+name+"]", "["+d.prefix+name+"]", "["+name+".", "["+d.prefix+name+".").Replace(hint)
	}
	return hint
}

// elsewhere says where a key of that very name belongs, if there is one.
func (d *decoder) elsewhere(at, word string) string {
	if at != "" {
		home, place := "the file itself", "above the first [table]"
		if d.prefix != "" {
			home = "[" + strings.TrimSuffix(d.prefix, ".") + "]"
			place = "directly below it"
		}
		switch {
		case tableAt[word] != nil || keyAt[word] != nil && keyAt[word].typ == typePairs:
			return "write it as a table [" + d.prefix + word + "]"
		case keyAt[word] != nil:
			return word + " is a key of " + home + ": write it " + place
		}
	}
	var in []string
	for i := range keys {
		if table, ok := strings.CutSuffix(keys[i].path, "."+word); ok {
			in = append(in, "["+d.prefix+table+"]")
		}
	}
	if len(in) == 0 {
		return ""
	}
	return word + " is a key of " + strings.Join(in, " and ")
}

var dockerfileInstructions = strings.Fields(`add arg cmd copy entrypoint env expose from healthcheck label maintainer onbuild
	run shell stopsignal user volume workdir`)

// dockerfileAdvice says what to write instead of an instruction of a Dockerfile, or "".
func dockerfileAdvice(instruction string) string {
	word := strings.ToLower(instruction)
	if !slices.Contains(dockerfileInstructions, word) {
		return ""
	}
	if hint := foreignWords[word]; hint != "" {
		return hint
	}
	if word == "stopsignal" {
		word = "stop-signal"
	}
	if k := keyAt[word]; k != nil && k.typ != typePairs {
		return writeExample(k)
	}
	return "write a table [" + word + "]"
}
