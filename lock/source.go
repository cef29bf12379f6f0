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
	ref                 string // the branch, tag or other name that the commit was found by, if the lock says
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
	}
	return "", ""
}

// artifact is an artifact that is built from the commit.
func (g *git) artifact(a Artifact) Artifact {
	a.Kind, a.URL, a.Commit, a.Subdir, a.LFS = Git, g.url, g.commit, g.subdir, g.lfs
	if !strings.EqualFold(g.ref, g.commit) && g.ref != "HEAD" && plainRef.MatchString(g.ref) {
		a.Ref = g.ref
	}
	return a
}

// plainRef are names of branches and tags that can stand in a message as they are. git has few rules for them.
var plainRef = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_./+-]{0,99}$`)

// longGitURL writes "git@host:path", which is no URL, as ssh://git@host/path.
func longGitURL(address string) string {
	if strings.Contains(address, "://") {
		return address
	}
	host, path, ok := strings.Cut(address, ":")
	if !ok || strings.Contains(host, "/") || len(host) < 2 {
		return address
	}
	return "ssh://" + host + "/" + strings.TrimPrefix(path, "/")
}

// subdirectory makes the place of a project in its source clean, "" for the top. It is not ok when it leaves the source.
func subdirectory(dir string) (string, bool) {
	if dir == "" {
		return "", true
	}
	dir = path.Clean(strings.TrimLeft(strings.ReplaceAll(dir, `\`, "/"), "/"))
	if dir == "." {
		return "", true
	}
	return dir, dir != ".." && !strings.HasPrefix(dir, "../")
}

// hasPassword tells whether an address holds a credential. The user of ssh is none: it is "git" nearly always.
func hasPassword(u *url.URL) bool {
	if u.User == nil {
		return false
	}
	_, password := u.User.Password()
	return password || u.Scheme != "ssh" && u.Scheme != "git"
}
