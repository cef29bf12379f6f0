package lock

import (
	"net/url"
	"path"
	"regexp"
	"strings"
)

// outsideHint is what to do about a path that BuildKit does not send.
const outsideHint = "build from a directory that holds both, and name the project with project = \"DIRECTORY\" in [dependencies]"

// contextPath makes a path that a lock names relative to itself into one of the context. It is not ok when it leaves the context.
func contextPath(lock, file string) (string, bool) {
	file = strings.TrimPrefix(strings.ReplaceAll(file, `\`, "/"), "file:")
	if path.IsAbs(file) || len(file) > 1 && file[1] == ':' || strings.Contains(file, "://") {
		return "", false
	}
	file = path.Join(path.Dir(lock), file)
	return file, file != ".." && !strings.HasPrefix(file, "../")
}

// credential is what stands before the host in an address.
var credential = regexp.MustCompile(`//[^/]*@`)

// shownPath is a path of the lock as a message may show it: a lock that has an address there may have a password in it.
func shownPath(file string) string { return credential.ReplaceAllString(file, "//") }

// commitHash is a full hash of git, SHA-1 or SHA-256.
var commitHash = regexp.MustCompile(`^(?:[0-9a-f]{40}|[0-9a-f]{64})$`)

// git is a repository with the commit that a lock names.
type git struct {
	url, commit, subdir string
	asked               string // the commit as it was asked for, when that is a full hash too
	file                string // the package is this file of the repository
	lfs                 bool   // with the files of Git LFS
}

// problem is what is wrong with the repository's address or commit, as a format for the package. It never shows the address, which
// may hold a password.
func (g *git) problem() (text, hint string) {
	u, err := url.Parse(g.url)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" && u.Scheme != "ssh" && u.Scheme != "git":
		return "%s: the address of the git repository must start with https:// or ssh://", ""
	case hasPassword(u):
		return "%s: the address of the git repository has a password or token in it, which everyone could read in the image's provenance",
			"take it out of the address, and lock again"
	case !commitHash.MatchString(g.commit):
		return "%s: the lock does not name the commit by its full hash", ""
	case g.asked != "" && g.asked != g.commit:
		return "%s: the lock asks for one commit and names another", ""
	case g.file != "":
		return "%s: not supported yet: a file inside a git repository",
			"put the file into the build context or at an address of its own, and lock again"
	case g.lfs:
		return "%s: not supported yet: git repositories with Git LFS", "use a release from an index"
	}
	return "", ""
}

// hasPassword tells whether an address holds a credential. The user of ssh is none: it is "git" nearly always.
func hasPassword(u *url.URL) bool {
	if u.User == nil {
		return false
	}
	_, password := u.User.Password()
	return password || u.Scheme != "ssh" && u.Scheme != "git"
}
