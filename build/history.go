package build

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/org/pyfile/diagnosis"
	"github.com/org/pyfile/remote"
)

// RefsFile is the file that ListRefs writes: Refs.
const RefsFile = "refs.json"

// Refs are the names of commits from which tools read versions.
type Refs struct {
	Branch string `json:"branch,omitempty"` // that is checked out; empty when it is a tag or a commit
	Tags   string `json:"tags"`             // SHA-256 of all tags with what they stand for
}

// RemoteOptions says which repository ListRefs and History ask.
type RemoteOptions struct {
	URL     string    // of the repository
	Own     bool      // it is that of the project that is built, and not of a package
	Secrets string    // directory with those of remote.Secrets that are given
	CA      string    // file with certificate authorities beside those of the system, in PEM; may be empty
	Output  io.Writer // gets what is done, while it is
}

// ListRefs asks a repository for its tags, and which branch ref is: "main", "refs/heads/main", or "" for the one that a clone checks out. It writes that to
// RefsFile in out.
func ListRefs(ctx context.Context, o RemoteOptions, ref, out string) error {
	return output(out, func(work string) error {
		g, err := o.git(work, work)
		if err != nil {
			return err
		}
		branch := strings.TrimPrefix(strings.TrimPrefix(ref, "refs/"), "heads/")
		listed, err := g.output(ctx, nil, "ls-remote", "--quiet", "--symref", "--", o.URL, "HEAD", "refs/heads/"+cmp.Or(branch, "HEAD"), "refs/tags/*")
		if err != nil {
			return o.unreachable(ctx, err)
		}
		var r Refs
		var tags []string
		for line := range strings.Lines(listed) {
			what, name, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "\t")
			head, isHead := strings.CutPrefix(what, "ref: refs/heads/")
			switch {
			case isHead && name == "HEAD" && ref == "":
				r.Branch = head
			case name == "refs/heads/"+branch && branch != "":
				r.Branch = branch
			case strings.HasPrefix(name, "refs/tags/") && !strings.HasSuffix(name, "^{}"):
				tags = append(tags, what+" "+name)
			}
		}
		r.Tags = digestOf(tags)
		data, err := json.Marshal(r)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(out, RefsFile), append(data, '\n'), 0o644) //nolint:gosec // it holds no secret
	})
}

// digestOf is the SHA-256 of tags, whatever their order.
func digestOf(tags []string) string {
	slices.Sort(tags)
	return fmt.Sprintf("%x", sha256.Sum256([]byte(strings.Join(tags, "\n"))))
}

// History completes a checkout as BuildKit makes it, which has one commit, no tags and no branch, to what git clone would have made of it. refs are what
// ListRefs said, or empty for a detached commit with any tags; tags that are others by now are an error. Files of other commits stay away, where the server can leave them out: no version depends on them.
func History(ctx context.Context, o RemoteOptions, source string, refs Refs) error {
	work, err := os.MkdirTemp("", "pyfile-history-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	g, err := o.git(source, work)
	if err != nil {
		return err
	}
	run := func(input string, args ...string) (out string) {
		if err == nil {
			out, err = g.output(ctx, strings.NewReader(input), args...)
		}
		return strings.TrimSpace(out)
	}
	// BuildKit names what it fetched as if it were a tag.
	if named := run("", "for-each-ref", "--format=delete %(refname)"); named != "" {
		run(named+"\n", "update-ref", "--stdin")
	}
	commit := run("", "rev-parse", "HEAD")
	run("", "remote", "set-url", "origin", o.URL)
	if err != nil {
		return err
	}
	if run("", "fetch", "--quiet", "--no-write-fetch-head", "--filter=blob:none", "--depth=2147483647", "origin", commit, "+refs/tags/*:refs/tags/*"); err != nil {
		return o.unreachable(ctx, err)
	}
	tags := strings.FieldsFunc(run("", "for-each-ref", "--format=%(objectname) %(refname)", "refs/tags"), func(r rune) bool { return r == '\n' })
	if refs.Branch != "" {
		run("", "update-ref", "refs/heads/"+refs.Branch, commit)
		run("", "symbolic-ref", "HEAD", "refs/heads/"+refs.Branch)
	}
	if err == nil && refs.Tags != "" && digestOf(tags) != refs.Tags {
		err = fmt.Errorf("the tags of %s have changed since this build began: build again", o.URL)
	}
	return err
}

// git is git in a directory, which can log in.
func (o RemoteOptions) git(dir, work string) (git, error) {
	env, err := remote.Environment([]string{o.URL}, o.Secrets, o.CA, work)
	return git{dir: dir, home: work, env: env}, err
}

// unreachable is the failure of a fetch, with what git said of it.
func (o RemoteOptions) unreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return err
	}
	if _, err := fmt.Fprintln(o.Output, err); err != nil {
		return err
	}
	reason, login := diagnosis.Clean(remote.Reason(err.Error())), remote.Hint(o.URL)
	if !o.Own {
		return &Explained{diagnosis.Failure{Message: fmt.Sprintf("the version of the package comes from git, and the history of %s cannot be fetched: %s", o.URL, reason),
			Hint: strings.TrimSuffix(login, ", ")}}
	}
	hint := "say the version: "
	if login != "" {
		hint = login + "or " + hint
	}
	return unversioned(fmt.Sprintf("the version of this project comes from git, and the history of %s cannot be fetched: %s", o.URL, reason), hint)
}
