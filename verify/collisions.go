package verify

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/org/pyfile/facts"
	"github.com/org/pyfile/python"
)

// installedFile is the file that has a path after all that was installed so far.
type installedFile struct {
	distribution *facts.Distribution
	sum          string
}

// checkCollisions reports paths that two distributions have: with different bytes, where the later one wins and the earlier one is not what
// its author tested; and as a file and a directory, where one of the two is not there at all.
func (c *check) checkCollisions() {
	files := c.files
	directories := map[string]*facts.Distribution{}
	for _, d := range c.distributions {
		for _, dir := range d.Directories {
			for name := dir.Path; name != "/"; name = path.Dir(name) {
				if f, ok := files[name]; ok && f.distribution != d {
					c.addFileAndDirectory(f.distribution, d, d, name)
				}
				if directories[name] == nil {
					directories[name] = d
				}
			}
			for _, item := range dir.Files {
				sum, base := facts.SplitFile(item)
				name := path.Join(dir.Path, base)
				if was, ok := files[name]; ok && was.distribution != d && (was.sum != sum || sum == facts.NoSum) {
					c.addCollision(was.distribution, d, name)
				}
				if other := directories[name]; other != nil && other != d {
					c.addFileAndDirectory(d, other, d, name)
				}
				files[name] = installedFile{d, sum}
			}
		}
	}
}

func (c *check) addCollision(loser, winner *facts.Distribution, name string) {
	severity, group := Warning, winner.Name
	if document(name) {
		severity, group = Notice, group+" document"
	}
	f := about(loser, Collision, severity)
	f.Path, f.Others = name, []string{winner.Name}
	c.add(observation{Finding: f, group: group, text: func(f *Finding) {
		more, verb := "", "differs"
		if f.Count > 1 {
			more, verb = fmt.Sprintf(" and %d more of its files", f.Count-1), "differ"
		}
		f.Short = fmt.Sprintf("%s and %s both have %s%s: the image has that of %s", f.subject(false), winner.Name, short(f.Path), more, winner.Name)
		f.Message = fmt.Sprintf("%s of %s%s %s from what %s %s has, which is installed later and wins", f.Path, f.subject(true), more, verb, winner.Name, winner.Version)
		f.Hint = collisionHint(f, winner.Name)
	}})
}

func (c *check) addFileAndDirectory(file, directory, later *facts.Distribution, name string) {
	f := about(file, Collision, Error)
	f.Path, f.Others = name, []string{directory.Name}
	c.add(observation{Finding: f, group: directory.Name + " directory", text: func(f *Finding) {
		f.Short = fmt.Sprintf("%s is a file of %s and a directory of %s", short(f.Path), f.subject(false), directory.Name)
		f.Message = fmt.Sprintf("%s is a file of %s and a directory of %s %s; %s is installed later and takes the place of the other", f.Path, f.subject(true), directory.Name, directory.Version, later.Name)
		f.Hint = "they cannot be installed together: remove one of them from the dependencies"
	}})
}

// document says whether a file is for people, as those that packages put beside their modules by mistake.
func document(name string) bool {
	switch base := path.Base(name); strings.ToLower(path.Ext(base)) {
	case ".md", ".rst", ".txt":
		return true
	case "":
		return base == strings.ToUpper(base) // LICENSE, COPYING
	}
	return false
}

// short is the part of a path that tells it apart: that below site-packages.
func short(name string) string {
	if _, rest, ok := strings.Cut(name, "/site-packages/"); ok {
		return rest
	}
	return name
}

// variants are releases of one project under several names: one is enough. namesakes are projects that have nothing in common but
// the name of a module; the first is the one that people mostly mean.
var (
	variants = [][]string{
		{"opencv-python", "opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless"},
		{"psycopg2", "psycopg2-binary"},
		{"tensorflow", "tensorflow-cpu", "tf-nightly"},
		{"onnxruntime", "onnxruntime-gpu"},
		{"faiss-cpu", "faiss-gpu"},
		{"pillow", "pillow-simd", "pil"},
		{"pycryptodome", "pycrypto"},
		{"pinecone", "pinecone-client"},
		{"xgboost", "xgboost-cpu"},
		{"kafka-python", "kafka-python-ng"},
		{"discord-py", "py-cord"},
	}
	namesakes = [][]string{
		{"pyjwt", "jwt"},
		{"pymupdf", "fitz"},
		{"python-dotenv", "dotenv"},
		{"python-docx", "docx"},
		{"pyserial", "serial"},
		{"pymongo", "bson"},
		{"python-magic", "file-magic"},
		{"python-slugify", "awesome-slugify", "unicode-slugify"},
		{"python-telegram-bot", "telegram"},
		{"python-jose", "jose"},
		{"websocket-client", "websocket"},
		{"ffmpeg-python", "python-ffmpeg", "ffmpeg"},
		{"attrs", "attr"},
		{"openai-whisper", "whisper"},
		{"pycryptodome", "crypto"},
		{"python-memcached", "memcache"},
		{"pyopenssl", "openssl"},
		{"beautifulsoup4", "bs4"},
	}
)

// collisionHint says what is best done about two distributions with the same files.
func collisionHint(f *Finding, winner string) string {
	both := func(family []string) bool {
		return slices.Contains(family, python.NormalizeName(f.Distribution)) && slices.Contains(family, python.NormalizeName(winner))
	}
	ignore := f.Path
	if f.Count > 1 {
		ignore = f.common
	}
	if strings.HasSuffix(ignore, "/site-packages") || !strings.Contains(ignore, "/site-packages/") {
		ignore = f.Distribution // a path that is not of these two only
	}
	if f.Severity == Notice {
		return fmt.Sprintf("nothing imports it: add to [verify]: ignore = [%q]", ignore)
	}
	if slices.ContainsFunc(variants, both) {
		return fmt.Sprintf("%s and %s are the same project: keep one of them in the dependencies", f.Distribution, winner)
	}
	if i := slices.IndexFunc(namesakes, both); i >= 0 {
		return fmt.Sprintf("two projects have this module, and %s is the one that is mostly meant: keep one of them in the dependencies", namesakes[i][0])
	}
	top, _, _ := strings.Cut(short(f.Path), "/")
	switch top {
	case "test", "tests", "testing", "doc", "docs", "example", "examples", "benchmark", "benchmarks", "scripts", "tools", "src":
		site, _, _ := strings.Cut(f.Path, "/site-packages/")
		return fmt.Sprintf("both install a directory %s by mistake; if nothing imports it, add to [verify]: ignore = [%q]", top, site+"/site-packages/"+top)
	}
	return fmt.Sprintf("remove one of them from the dependencies, or, if it does not matter, add to [verify]: ignore = [%q]", ignore)
}
