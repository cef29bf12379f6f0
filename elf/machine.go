package elf

import "fmt"

// machineName is the machine of a file as uname prints it on a Linux of that kind. The variants of 32-bit ARM are one to the linker:
// "arm". A number stands for machines without a Python to build for.
func machineName(number uint16, wide, bigEndian bool) string {
	type key struct {
		number    uint16
		wide, big bool
	}
	switch (key{number, wide, bigEndian}) {
	case key{3, false, false}:
		return "i686"
	case key{21, true, false}:
		return "ppc64le"
	case key{21, true, true}:
		return "ppc64"
	case key{22, true, true}:
		return "s390x"
	case key{40, false, false}:
		return "arm"
	case key{62, true, false}:
		return "x86_64"
	case key{62, false, false}:
		return "x32"
	case key{183, true, false}:
		return "aarch64"
	case key{243, true, false}:
		return "riscv64"
	case key{258, true, false}:
		return "loongarch64"
	}
	return fmt.Sprintf("machine %d", number)
}

// Machine is the name that an Object has for a machine as uname prints it: armv7l and armv6l are "arm", i386 to i686 are "i686".
func Machine(uname string) string {
	switch uname {
	case "armv8l", "armv7l", "armv6l", "armhf":
		return "arm"
	case "i386", "i486", "i586":
		return "i686"
	case "amd64":
		return "x86_64"
	case "arm64":
		return "aarch64"
	}
	return uname
}
