package facts

import (
	"bytes"
	"strings"
)

// Headers returns all values of a header of WHEEL or METADATA. A line that begins with white space goes on with the header before
// (RFC 5322, folding).
func Headers(data []byte, name string) (list []string) {
	goesOn := false
	for line := range bytes.Lines(data) {
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if line[0] == ' ' || line[0] == '\t' {
			if goesOn {
				list[len(list)-1] = strings.TrimSpace(list[len(list)-1] + " " + string(bytes.TrimSpace(line)))
			}
			continue
		}
		key, value, ok := bytes.Cut(line, []byte(":"))
		if goesOn = ok && strings.EqualFold(string(key), name); goesOn {
			list = append(list, string(bytes.TrimSpace(value)))
		}
	}
	return list
}

// Header returns a header of WHEEL or METADATA, the first if there are several, "" if there is none.
func Header(data []byte, name string) string {
	if list := Headers(data, name); len(list) > 0 {
		return list[0]
	}
	return ""
}
