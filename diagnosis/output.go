package diagnosis

import (
	"bytes"
	"regexp"
	"strings"
)

// Bounds of what is read. The cause stands at the end of the output, and no tool writes it in a longer line.
const (
	mostOutput  = 1 << 20 // bytes
	longestLine = 4 << 10 // bytes
)

// output is the text of a build, by line.
type output struct {
	lines   []string
	code    []bool // the line is source code that a traceback shows
	resumed int    // findings before this line did not end the build
}

// escapes are what terminals take for colours, titles and cursor moves.
var escapes = regexp.MustCompile("\x1b(?:\\[[0-9;?]*[ -/]*[@-~]|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?|[@-Z\\\\-_])")

// frame is what pip draws before lines of its own, and linesOfOutput is how it announces those of a subprocess, which it indents.
var (
	frame         = regexp.MustCompile(`^\s*(?:\x{2502}|\x{2570}\x{2500}>) ?`)
	linesOfOutput = regexp.MustCompile(`^\s*\[\d+ lines of output\]$`)
)

// quotes of gcc depend on the locale.
var quotes = strings.NewReplacer("\u2018", "'", "\u2019", "'")

func read(log []byte) *output {
	log = log[max(len(log)-mostOutput, 0):]
	o := &output{}
	nested := false
	for raw := range bytes.SplitSeq(log, []byte("\n")) {
		raw = bytes.TrimRight(raw, "\r")
		raw = raw[bytes.LastIndexByte(raw, '\r')+1:] // a progress bar paints over itself
		text := strings.ToValidUTF8(string(raw[:min(len(raw), longestLine)]), "\uFFFD")
		if strings.Contains(text, "\x1b") {
			text = escapes.ReplaceAllString(text, "")
		}
		if strings.ContainsAny(text, "\u2502\u2570\u2018\u2019") {
			text = quotes.Replace(frame.ReplaceAllString(text, ""))
		}
		switch {
		case strings.HasSuffix(text, "lines of output]") && linesOfOutput.MatchString(text):
			nested = true
		case strings.HasSuffix(text, "[end of output]"):
			nested = false
		case nested:
			text = strings.TrimPrefix(text, "      ")
		}
		o.lines = append(o.lines, strings.TrimRight(text, " \t"))
	}
	o.code = make([]bool, len(o.lines))
	for i := 1; i < len(o.lines); i++ {
		o.code[i] = strings.HasPrefix(o.lines[i], "    ") && (o.code[i-1] || strings.HasPrefix(o.lines[i-1], "  File \""))
	}
	o.resumed = o.resumption()
	return o
}

// onward are lines of distutils, which compiles one file after the other: when one of them comes after an error, the error was that of a probe
// or of an extension that may fail.
var onward = regexp.MustCompile(`^(?:building '.*' extension|running (?:build|install|bdist|egg_info|dist_info|sdist)\w*|creating .*|copying .* -> .*|adding '.*')$`)

// skipped is how setuptools goes on without an optional extension.
var skipped = regexp.MustCompile(`(?i)building extension .* failed|the .*extension could not be compiled|speedups are not enabled`)

// resumption is the line after which the build did not go on any more as if nothing had happened.
func (o *output) resumption() int {
	for i := len(o.lines) - 1; i >= 0; i-- {
		if onward.MatchString(o.lines[i]) || skipped.MatchString(o.lines[i]) {
			return i
		}
	}
	return 0
}

// block is the text of the lines after one, joined, as far as they are indented or empty: how cmake sets the text of an error.
func (o *output) block(at int) string {
	const most = 20
	var parts []string
	for _, l := range o.lines[min(at+1, len(o.lines)):min(at+1+most, len(o.lines))] {
		if l != "" && l[0] != ' ' && l[0] != '\t' {
			break
		}
		parts = append(parts, strings.TrimSpace(l))
	}
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}
