// Package python holds the Python packaging standards that decide what is installed: versions and
// specifiers (PEP 440), requirements and environment markers (PEP 508 and the dependency specifiers
// specification that grew out of it), compatibility tags (PEP 425, PEP 600, PEP 656), names (PEP 503)
// and the file names of wheels and source distributions.
//
// Nothing here reads a file, runs Python or asks the host what it is. A [Target] says which Python on
// which machine is meant, and everything else follows from it:
//
//	t := python.Target{Python: v, Machine: "x86_64", Libc: python.Libc{Name: "glibc", Major: 2, Minor: 41}}
//	m, err := python.ParseMarker(`sys_platform == "linux" and python_version >= "3.12"`)
//	holds, err := m.Eval(t.Environment())
//	i, ok := python.BestWheel(filenames, t.Tags())
//
// The specifications leave corners open. There the answer is that of the library "packaging", which pip uses;
// the differential test compares the two, and its table lists each case where the answer differs on purpose.
package python
