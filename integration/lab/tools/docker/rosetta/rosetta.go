// Package rosetta stands in for the module of the same name, which not every module proxy serves. Docker's client asks it whether macOS
// translates another architecture's programs; on Linux, the only system of the lab, the answer is no.
package rosetta

import "runtime"

// Available tells whether programs of another architecture are translated.
func Available() bool { return false }

// Enabled tells whether this program is translated.
func Enabled() bool { return false }

// NativeArch is the machine's own architecture.
func NativeArch() string { return runtime.GOARCH }
