package install

import (
	"bytes"
	"fmt"
	"path"
	"strings"
)

// wrapper is the text of the command that calls an entry point. It does what pip's does: sys.argv[0] loses the endings that only
// Windows gives it, and the function's result is the exit status. It imports nothing that Python has not loaded already, as it is
// part of the start of every process.
func wrapper(p entryPoint, python string) []byte {
	top, _, _ := strings.Cut(p.Object, ".")
	return fmt.Appendf(nil, `#!%s
import sys

from %s import %s

if __name__ == "__main__":
    for ending in (".exe", "-script.pyw"):
        if sys.argv[0].endswith(ending):
            sys.argv[0] = sys.argv[0][: -len(ending)]
    sys.exit(%s())
`, python, p.Module, top, p.Object)
}

// shebang is how a script in a wheel begins when the installer is to name the interpreter; "#!pythonw" begins so too.
const shebang = "#!python"

// maxScript is the most bytes that a script which begins so may have, as it is held in memory.
const maxScript = 64 << 20

// setInterpreter replaces the first line of such a script, arguments included, as pip does.
func setInterpreter(script []byte, python string) []byte {
	_, rest, _ := bytes.Cut(script, []byte("\n"))
	return append([]byte("#!"+python+"\n"), rest...)
}

// replaced says whether a generated wrapper stands for this file of .data/scripts: old build tools put wrappers of their own into
// wheels, under the names they have on Windows too.
func replaced(name string, points []entryPoint) bool {
	name = path.Base(name)
	for _, suffix := range []string{".exe", "-script.py", ".pya"} {
		if n := len(name) - len(suffix); n >= 0 && strings.EqualFold(name[n:], suffix) {
			name = name[:n]
			break
		}
	}
	for _, p := range points {
		if p.Name == name {
			return true
		}
	}
	return false
}
