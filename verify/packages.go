package verify

import (
	_ "embed"
	"path"
	"strings"
	"sync"

	"github.com/org/pyfile/distro"
)

// packages tells what package of the system's distribution has a library or a program.
type packages struct {
	system, builder *System
}

// of returns the package that has a library or program, "" if nothing tells. Of programs only the table does. For libraries, first comes what a builder image of the same release has, because it is
// where the library was linked with; then what the system itself has outside the linker's directories; then the table; and last a
// builder image of another release, whose names may differ.
func (p packages) of(soname string) string {
	same := p.builder != nil && p.builder.ID == p.system.ID && p.builder.VersionID == p.system.VersionID
	if same {
		if name := owner(p.builder, soname); name != "" {
			return name
		}
	}
	if name := owner(p.system, soname); name != "" {
		return name
	}
	if name := tablePackage(p.system, soname); name != "" {
		return name
	}
	if p.builder != nil && !same && p.builder.Database == p.system.Database {
		return owner(p.builder, soname)
	}
	return ""
}

// owner returns the package of a system that has a library of a name. A library in the linker's directories goes first.
func owner(s *System, soname string) (name string) {
	for i := range s.Libraries {
		l := &s.Libraries[i]
		if l.Package == "" || l.Machine != s.Machine || l.Class != s.Class {
			continue
		}
		for _, file := range l.names() {
			if path.Base(file) != soname {
				continue
			}
			for _, dir := range s.Directories {
				if path.Dir(file) == dir {
					return l.Package
				}
			}
			if name == "" {
				name = l.Package
			}
		}
	}
	return name
}

//go:embed packages.txt
var packageTable string

// row is one line of the table: the packages of a library or program.
type row struct {
	old, new string // Debian before and since time_t of 64 bits, "" where there is none
	alpine   string
	ubuntu   string // since time_t of 64 bits
}

var rows = sync.OnceValue(func() map[string]row {
	table := map[string]row{}
	for line := range strings.Lines(packageTable) {
		fields := strings.Fields(line)
		if len(fields) == 4 {
			fields = append(fields, fields[2])
		}
		if len(fields) == 5 && fields[0] != "#" {
			for i := range fields {
				if fields[i] == "-" {
					fields[i] = ""
				}
			}
			table[fields[0]] = row{fields[1], fields[2], fields[3], fields[4]}
		}
	}
	return table
})

// tablePackage looks a library or program up in the table, by what the system says of its release.
func tablePackage(s *System, soname string) string {
	r := rows()[soname]
	switch {
	case s.Database == distro.Apk:
		return r.alpine
	case s.Database != distro.Dpkg:
		return ""
	case since64BitTime(s) && s.ID == "ubuntu":
		return r.ubuntu
	case since64BitTime(s):
		return r.new
	}
	return r.old
}

// since64BitTime says whether packages of a dpkg system have the names that they got when Debian made time_t 64 bits wide on all
// machines: Debian 13, Ubuntu 24.04. Other distributions made from Debian show it by a package of their own.
func since64BitTime(s *System) bool {
	switch s.ID {
	case "debian", "raspbian":
		return s.major() >= 13
	case "ubuntu":
		return s.major() >= 24
	}
	for _, l := range s.Libraries {
		if strings.HasSuffix(l.Package, "t64") {
			return true
		}
	}
	return false
}

// wheelOf is the Python package that brings a library which no distribution has, "" if the library is not one of them.
func wheelOf(soname string) string {
	for _, w := range []struct{ prefix, project string }{
		{"libtorch", "torch"}, {"libc10", "torch"}, {"libtensorflow_framework.so", "tensorflow"}, {"libarrow", "pyarrow"},
		{"libcudart.so.12", "nvidia-cuda-runtime-cu12"}, {"libcublas.so.12", "nvidia-cublas-cu12"}, {"libcublasLt.so.12", "nvidia-cublas-cu12"},
		{"libcufft.so.11", "nvidia-cufft-cu12"}, {"libcurand.so.10", "nvidia-curand-cu12"}, {"libcusolver.so.11", "nvidia-cusolver-cu12"},
		{"libcusparse.so.12", "nvidia-cusparse-cu12"}, {"libcudnn.so.9", "nvidia-cudnn-cu12"}, {"libnccl.so.2", "nvidia-nccl-cu12"},
		{"libnvrtc.so.12", "nvidia-cuda-nvrtc-cu12"}, {"libnvJitLink.so.12", "nvidia-nvjitlink-cu12"}, {"libcupti.so.12", "nvidia-cuda-cupti-cu12"},
	} {
		if strings.HasPrefix(soname, w.prefix) {
			return w.project
		}
	}
	return ""
}
