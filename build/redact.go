package build

import (
	"bytes"
	"io"
	"regexp"
)

// login is the part of an address that may hold a password.
var login = regexp.MustCompile(`://[^/\s]*@`)

// maxLine is the most bytes of a line that are held back.
const maxLine = 1 << 20

// redacted passes on lines without the logins in their addresses. Not every pip leaves them out of what it prints.
type redacted struct {
	w    io.Writer
	line []byte // the last, which has not ended
}

func (r *redacted) Write(p []byte) (int, error) {
	r.line = append(r.line, p...)
	end := bytes.LastIndexByte(r.line, '\n') + 1
	if end == 0 && len(r.line) > maxLine {
		end = len(r.line)
	}
	if end == 0 {
		return len(p), nil
	}
	_, err := r.w.Write(login.ReplaceAll(r.line[:end], []byte("://****@")))
	r.line = append(r.line[:0], r.line[end:]...)
	return len(p), err
}

// end passes on the last line.
func (r *redacted) end() error {
	_, err := r.w.Write(login.ReplaceAll(r.line, []byte("://****@")))
	r.line = nil
	return err
}
