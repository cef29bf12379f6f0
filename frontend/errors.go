package frontend

import (
	"bytes"
	"errors"
	"regexp"
	"strings"

	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"

	"github.com/org/pyfile/llb"
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
