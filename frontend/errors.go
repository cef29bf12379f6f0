package frontend

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

	"github.com/org/pyfile/authority"
	"github.com/org/pyfile/diagnosis"
	"github.com/org/pyfile/llb"
	"github.com/org/pyfile/plan"
	"github.com/org/pyfile/pyfile"
	"github.com/org/pyfile/remote"
)

// locate gives the problems of the user's files the form in which BuildKit prints them: one message with all of them, and the marked
// lines of each file. Errors of another kind pass unchanged; BuildKit has located those of failed steps already.
func (b *build) locate(err error) error {
	var problems pyfile.Errors
	if !errors.As(err, &problems) {
		return err
	}
	named := make(pyfile.Errors, len(problems))
	var files []string
	ranges := map[string][]*pb.Range{}
	for i, p := range problems {
		e := *p
		if e.File == "" {
			e.File = b.source.Filename
		}
		if len(ranges[e.File]) == 0 {
			files = append(files, e.File)
		}
		ranges[e.File] = append(ranges[e.File], llb.Range(e.Range))
		named[i] = &e
	}
	err = errors.New(named.Error())
	for _, file := range files {
		if info := b.sourceInfo(file, ranges[file]); info != nil {
			err = errdefs.WithSource(err, &errdefs.Source{Info: info, Ranges: ranges[file]})
		}
	}
	return err
}

// explain says of a file that could not be fetched which one it is and where the lock names it, because BuildKit's error does not.
// So it does for the other steps whose failure has a meaning of its own, and for those whose program wrote down why it failed. That of any
// other step passes unchanged: BuildKit prints the step's name and output with it.
func (b *build) explain(ctx context.Context, err error, def *bkllb.Definition, p *plan.Plan, from *sources) error {
	var name string
	var vertex *errdefs.VertexError
	if errors.As(err, &vertex) {
		name = def.Metadata[digest.Digest(vertex.Digest)].Description["llb.customname"]
	} else if name = deniedStep(err, def); name == "" {
		return err
	}
	for _, s := range p.Steps {
		if s.Name != name {
			continue
		}
		if problems := b.problems(ctx, err, s, from); len(problems) > 0 {
			return problems
		}
	}
	return err
}

// denied is BuildKit's text for a source that the build's source policy does not allow.
var denied = regexp.MustCompile(`source ("[^"]+") denied by policy`)

// deniedStep is the name of the step whose source a policy denies, which BuildKit tells while it reads the graph, so that its error names no step.
func deniedStep(err error, def *bkllb.Definition) string {
	m := denied.FindStringSubmatch(err.Error())
	if m == nil {
		return ""
	}
	for _, data := range def.Def {
		var op pb.Op
		if op.UnmarshalVT(data) == nil && op.GetSource() != nil && strconv.Quote(op.GetSource().Identifier) == m[1] {
			return def.Metadata[digest.FromBytes(data)].Description["llb.customname"]
		}
	}
	return ""
}

// deniedError is the problem of a source that a policy denies.
func deniedError(what, file string, at pyfile.Range) *pyfile.Error {
	return &pyfile.Error{File: file, Range: at, Msg: what + " is denied by the source policy of this build",
		Hint: "allow it in the policy, or let the policy convert it to an address that is allowed"}
}

// problems are the meaning of the failure of a step; there are none when it has none of its own.
func (b *build) problems(ctx context.Context, err error, s plan.Step, from *sources) pyfile.Errors {
	isDenied := denied.MatchString(err.Error())
	switch {
	case s.Fetch != nil && isDenied:
		return pyfile.Errors{deniedError(s.Fetch.Filename+" from "+shownAddress(s.Fetch.URL), s.Fetch.Lock, s.Fetch.At)}
	case s.Fetch != nil:
		return pyfile.Errors{fetchError(s.Fetch, err)}
	case s.Git != nil && s.Failure != nil && isDenied:
		return pyfile.Errors{deniedError(s.Git.URL, s.Failure.File, s.Failure.Range)}
	case s.Image != nil && isDenied:
		return pyfile.Errors{deniedError("image "+s.Image.Ref, "", s.Origin.Range)}
	}
	if s.Git != nil && s.Failure != nil {
		e := *s.Failure
		reason := diagnosis.Clean(remote.Reason(err.Error()))
		e.Msg += ": " + reason
		if authority.Untrusted(reason) {
			e.Hint = daemonTrust
		}
		return pyfile.Errors{&e}
	}
	if s.Exec != nil && s.Exec.Failure != "" {
		if f := b.failure(ctx, err, s.Exec.Failure); f != nil {
			if hint := b.providers(ctx, f.Wants, s.Stage, s.Packages, from); hint != "" {
				f.Hint = hint
			}
			if len(f.Wants) > 0 && s.Advice != "" {
				f.Hint = strings.TrimPrefix(f.Hint+"; "+s.Advice, "; ")
			}
			return refused(f, s)
		}
	}
	if s.Failure != nil {
		return pyfile.Errors{s.Failure}
	}
	return nil
}

// refused is what a program wrote of its failure, at the words that it refused or else at the place of its step.
func refused(f *diagnosis.Failure, s plan.Step) pyfile.Errors {
	var errs pyfile.Errors
	for _, p := range f.Packages {
		for _, w := range s.Words {
			if w.Value == p.Name {
				errs = append(errs, &pyfile.Error{Range: w.Range, Msg: p.Reason, Hint: nearest(p.Near)})
			}
		}
	}
	if len(errs) == 0 {
		errs = append(errs, &pyfile.Error{Range: s.Origin.Range, Msg: f.Message, Hint: f.Hint})
	}
	return errs
}

// nearest asks whether one of some names was meant.
func nearest(names []string) string {
	if len(names) == 0 {
		return ""
	}
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = strconv.Quote(n)
	}
	return "did you mean " + strings.Join(quoted, " or ") + "?"
}

// mismatch is BuildKit's text for a file with another hash. The first one is that of the file.
var mismatch = regexp.MustCompile(`digest mismatch.*? sha256:([0-9a-f]{64})`)

// fetchError is the problem of a file of the lock that could not be fetched.
func fetchError(f *plan.Fetch, err error) *pyfile.Error {
	address := shownAddress(f.URL)
	e := &pyfile.Error{File: f.Lock, Range: f.At}
	if m := mismatch.FindStringSubmatch(err.Error()); m != nil {
		// BuildKit hashes whatever a server answers, so this may be the text of its error.
		e.Msg = fmt.Sprintf("%s is not the file that was locked: %s gives one with the sha256 %s, not %s", f.Filename, address, m[1], f.SHA256)
		e.Hint = "open the address: if the file was removed or replaced, lock again; if it asks for a password, write the index with its secret as [index.NAME]"
		return e
	}
	e.Msg = fmt.Sprintf("%s cannot be fetched from %s: %s", f.Filename, address, strings.ReplaceAll(err.Error(), f.URL, address))
	e.Hint = "check that the machine of the builder reaches this address"
	if authority.Untrusted(e.Msg) {
		e.Hint = daemonTrust
	}
	return e
}

// shownAddress is an address for people, without what may be a token.
func shownAddress(address string) string {
	address, _, _ = strings.Cut(address, "?")
	return address
}

// daemonTrust is what to do about a certificate that BuildKit does not trust. It knows no build secret for what it fetches itself.
const daemonTrust = "BuildKit fetches this itself: add the authority that signed the certificate to those that the daemon's machine trusts, and start the daemon again"

// excerptSize is the size in bytes above which only the lines around the problems are sent: an error travels in one message.
const excerptSize = 64 << 10

// sourceInfo is one of the user's files for an error message.
func (b *build) sourceInfo(file string, ranges []*pb.Range) *pb.SourceInfo {
	if file == b.source.Filename {
		return &pb.SourceInfo{Filename: file, Language: b.source.Language, Data: hideCredentials(b.source.Data), Definition: b.source.Definition.ToPB()}
	}
	data, ok := b.files[file]
	if !ok {
		return nil
	}
	if len(data) > excerptSize {
		data = excerpt(data, ranges)
	}
	return &pb.SourceInfo{Filename: file, Language: "TOML", Data: hideCredentials(data)}
}

// credentials are user and password in an address. They may hold anything but what ends them or the string.
var credentials = regexp.MustCompile(`:/+[^/"'\n]*@`)

// hideCredentials keeps passwords out of the lines that BuildKit prints with an error, which end up in logs.
func hideCredentials(data []byte) []byte {
	return credentials.ReplaceAll(data, []byte("://***@"))
}

// excerpt blanks the lines before the first problem and drops those after the last, so that the line numbers stay true.
func excerpt(data []byte, ranges []*pb.Range) []byte {
	const around = 4
	first, last := ranges[0].Start.Line, ranges[0].End.Line
	for _, r := range ranges {
		first, last = min(first, r.Start.Line), max(last, r.End.Line)
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	from := min(max(int(first)-1-around, 0), len(lines))
	to := min(max(int(last)+around, from), len(lines))
	return append([]byte(strings.Repeat("\n", from)), bytes.Join(lines[from:to], nil)...)
}
