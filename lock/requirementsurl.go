package lock

import (
	"cmp"
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/org/pyfile/python"
)

// urlSchemes are those that pip takes for an address.
var urlSchemes = []string{"http", "https", "file", "ftp"}

// urlScheme is the scheme of an address, or "" for something else.
func urlScheme(s string) string {
	scheme, _, ok := strings.Cut(s, ":")
	scheme = strings.ToLower(scheme)
	if !ok {
		return ""
	}
	kind, _, isVCS := strings.Cut(scheme, "+")
	if slices.Contains(urlSchemes, scheme) || isVCS && slices.Contains([]string{"git", "hg", "svn", "bzr"}, kind) {
		return scheme
	}
	return ""
}

func isRequirementURL(s string) bool { return urlScheme(s) != "" }

// urlName is what stands before the "@" of "NAME[EXTRAS] @ URL".
var urlName = regexp.MustCompile(`^\s*[A-Za-z0-9][A-Za-z0-9._-]*\s*(?:\[[^\]/]*\])?\s*@`)

func namesURL(s string) bool { return strings.Contains(s, "@") && urlName.MatchString(s) }

// direct reads an address: of a wheel, an sdist or another archive, of a repository, or of a file or directory of the context.
func (r *requirementsReader) direct(q *requirement, address, name string) {
	plain, fragment, _ := strings.Cut(address, "#")
	f := r.fragment(q, fragment)
	q.name, q.subdir = cmp.Or(name, f.egg), f.subdirectory
	scheme := urlScheme(address)
	switch {
	case scheme == "":
		r.errorAt(q.at, "for a directory of the context write NAME @ file:DIRECTORY", "the address must start with https://, git+https:// or file:")
		q.broken = true
		return
	case scheme == "file":
		r.localURL(q, plain)
		return
	case strings.Contains(scheme, "+"):
		r.repository(q, scheme, plain)
		return
	}
	q.link = file{url: plain, at: q.at}
	if u, err := url.Parse(plain); err == nil && u.User != nil {
		r.errorAt(q.at, secretHint, "the address has a user name or password in it, which everyone could read in the image's provenance")
		q.broken = true
		return
	}
	if link, problem, _ := fileURL(plain); problem != "" {
		q.problem = q.doc.errorAt(q.at, fmt.Sprintf(problem, cmp.Or(q.name, "the requirement")), "")
	} else {
		q.link.url = link
	}
	r.fileKind(q)
}

// fileKind tells from the name of a file what it is, and where that says so, of which package and version.
func (r *requirementsReader) fileKind(q *requirement) {
	name := q.link.filename()
	q.kind = Archive
	if strings.HasSuffix(strings.ToLower(name), ".whl") {
		q.kind = Wheel
		w, err := python.ParseWheelName(name)
		if err != nil {
			r.errorAt(q.at, "", "the file is not named like a wheel, NAME-VERSION-PYTHON-ABI-PLATFORM.whl")
			q.broken = true
			return
		}
		q.name, q.version = cmp.Or(q.name, w.Name), w.Version
	} else if sdist, version, err := python.ParseSdistName(name); err == nil && (q.name == "" || q.name == sdist) {
		q.inferred = q.name == ""
		q.name, q.version = sdist, version
	}
	if q.name == "" {
		q.unnamed("write NAME @ ADDRESS, or add #egg=NAME")
	}
}

// unnamed notes that nothing says of which package the requirement is. pip would build it to find out.
func (q *requirement) unnamed(hint string) {
	q.problem = q.doc.errorAt(q.at, "the name of the package is not known before it is built", hint)
}

// fragmentParts are the parts of a URL's fragment that pip reads.
type fragmentParts struct{ egg, subdirectory string }

func (r *requirementsReader) fragment(q *requirement, fragment string) (f fragmentParts) {
	for _, part := range strings.Split(fragment, "&") {
		key, value, _ := strings.Cut(part, "=")
		switch key {
		case "egg":
			if !python.ValidName(value) {
				r.errorAt(q.at, "write NAME[EXTRAS] @ ADDRESS", "#egg= must be the name of a package alone")
				q.broken = true
				continue
			}
			f.egg = python.NormalizeName(value)
		case "subdirectory":
			dir := path.Clean(strings.TrimPrefix(value, "/"))
			if dir == ".." || strings.HasPrefix(dir, "../") {
				r.errorAt(q.at, "", "#subdirectory= leads out of the source")
				q.broken = true
				continue
			}
			if dir != "." {
				f.subdirectory = dir
			}
		case "sha256":
			if digest, ok := sha256Hex(value); ok {
				q.hashes = append(q.hashes, requirementHash{"sha256", digest, true, q.at})
			} else {
				r.errorAt(q.at, "", "the sha256 in the address must be 64 hex digits")
				q.broken = true
			}
		case "sha384", "sha512", "sha224", "sha1", "md5":
			q.hashes = append(q.hashes, requirementHash{key, value, true, q.at})
		}
	}
	return f
}

// repository reads the address of a repository, git+https://HOST/PATH@REVISION.
func (r *requirementsReader) repository(q *requirement, scheme, address string) {
	q.kind = Git
	system, _, _ := strings.Cut(scheme, "+")
	address = address[len(system)+1:]
	host := strings.Index(address, "://") + len("://")
	if host < len("://") {
		r.errorAt(q.at, "write git+ssh://git@HOST/PATH for git@HOST:PATH", "the address of a repository must be like git+https://HOST/PATH@COMMIT")
		q.broken = true
		return
	}
	if slash := strings.IndexByte(address[host:], '/'); slash >= 0 {
		if i := strings.LastIndexByte(address[host+slash:], '@'); i >= 0 {
			q.git.commit = address[host+slash+i+1:]
			address = address[:host+slash+i]
		}
	}
	q.git.url, q.git.subdir = address, q.subdir
	u, err := url.Parse(address)
	switch {
	case err != nil:
		r.errorAt(q.at, "", "the address of a repository must be like git+https://HOST/PATH@COMMIT")
		q.broken = true
		return
	case hasPassword(u):
		r.errorAt(q.at, "take it out of the address",
			"the address of the repository has a user name, password or token in it, which everyone could read in the image's provenance")
		q.broken = true
		return
	}
	text, hint := q.git.problem()
	switch {
	case q.name == "":
		q.unnamed("write NAME @ git+https://...")
	case system != "git":
		q.problem = q.doc.errorAt(q.at, q.name+" comes from a repository that is not of git", "use a release from an index")
	case text != "" && q.git.commit != "" && !commitHash.MatchString(q.git.commit) || q.git.commit == "":
		q.problem = q.doc.errorAt(q.at, q.name+": a set with hashes must name the commit by its full hash", "write git+https://HOST/PATH@ and the 40 digits of the commit")
	case text != "":
		q.problem = q.doc.errorAt(q.at, fmt.Sprintf(text, q.name), hint)
	}
}
