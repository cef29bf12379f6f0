package frontend

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strings"

	bkllb "github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"

	"github.com/org/pyfile/llb"
	"github.com/org/pyfile/plan"
	"github.com/org/pyfile/pyfile"
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
// So it does for the other steps whose failure has a meaning of its own. That of any other step passes unchanged: BuildKit prints the
// step's name and output with it.
func explain(err error, def *bkllb.Definition, p *plan.Plan) error {
	var vertex *errdefs.VertexError
	if !errors.As(err, &vertex) {
		return err
	}
	name := def.Metadata[digest.Digest(vertex.Digest)].Description["llb.customname"]
	for _, s := range p.Steps {
		switch {
		case s.Name != name:
		case s.Fetch != nil:
			return pyfile.Errors{fetchError(s.Fetch, err)}
		case s.Failure != nil:
			return pyfile.Errors{s.Failure}
		}
	}
	return err
}

// mismatch is BuildKit's text for a file with another hash. The first one is that of the file.
var mismatch = regexp.MustCompile(`digest mismatch.*? sha256:([0-9a-f]{64})`)

// fetchError is the problem of a file of the lock that could not be fetched.
func fetchError(f *plan.Fetch, err error) *pyfile.Error {
	address, _, _ := strings.Cut(f.URL, "?") // what follows may be a token
	e := &pyfile.Error{File: f.Lock, Range: f.At}
	if m := mismatch.FindStringSubmatch(err.Error()); m != nil {
		// BuildKit hashes whatever a server answers, so this may be the text of its error.
		e.Msg = fmt.Sprintf("%s is not the file that was locked: %s gives one with the sha256 %s, not %s", f.Filename, address, m[1], f.SHA256)
		e.Hint = "open the address: if the file was removed or replaced, lock again; if it asks for a password, that is not supported yet"
		return e
	}
	e.Msg = fmt.Sprintf("%s cannot be fetched from %s: %s", f.Filename, address, strings.ReplaceAll(err.Error(), f.URL, address))
	e.Hint = "check that the machine of the builder reaches this address"
	return e
}

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
