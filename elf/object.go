// Package elf reads of ELF files what a dynamic linker reads to find their libraries: names, needs, search paths and symbol versions.
//
//	o, err := elf.Read(file)
//	if err == nil && o != nil {
//		fmt.Println(o.Soname, o.Needed)
//	}
//
// Strip takes out of a file what no linker reads.
//
// Read looks at program headers and the dynamic section only, as the linker does, so a stripped file loses nothing, and it reads a few
// blocks of a file of any size. Nothing in a file is trusted: offsets, counts and lengths have limits. The package needs nothing but
// a few packages of the standard library, because it is part of cmd/pyfile-install. debug/elf would add more than a megabyte there, and
// finds the dynamic section by way of section headers, which a stripped file need not have.
package elf

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Object is an ELF file that a dynamic linker or the kernel can load.
type Object struct {
	Kind        Kind     `json:"kind"`
	Machine     string   `json:"machine"` // see Machine
	Class       int      `json:"class"`   // bits of an address: 32 or 64
	Interpreter string   `json:"interpreter,omitempty"`
	Soname      string   `json:"soname,omitempty"`
	Needed      []string `json:"needed,omitempty"`  // DT_NEEDED, in the order of the file
	RPath       []string `json:"rpath,omitempty"`   // DT_RPATH, one directory each, with $ORIGIN and the like as they are
	RunPath     []string `json:"runpath,omitempty"` // DT_RUNPATH, likewise; the linker ignores RPath where there is one
	Needs       []Need   `json:"needs,omitempty"`   // symbol versions that other libraries must define, in the order of the file
	Defines     []string `json:"defines,omitempty"` // symbol versions that this library defines, without the one that is named like the library
}

// Kind is the use of an Object.
type Kind string

// Kinds of objects. A position-independent program is a program, though its file has the type of a shared object.
const (
	Shared  Kind = "shared"  // library or extension module
	Program Kind = "program" // executable file
)

// Need is a symbol version that an object needs of a library: GLIBC_2.38 of libc.so.6. Weak needs are not among them.
type Need struct {
	Library string `json:"library"`
	Version string `json:"version"`
}

// ErrFormat says that a file has ELF's magic number but cannot be loaded.
var ErrFormat = errors.New("not a sound ELF file")

func formatError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrFormat, fmt.Sprintf(format, args...))
}

// Magic is what every ELF file begins with.
const Magic = "\x7fELF"

// Types of files and of what is in them (System V ABI, ELF header, program header).
const (
	typeExecutable = 2
	typeShared     = 3

	headerLoad        = 1
	headerDynamic     = 2
	headerInterpreter = 3
)

// Limits that no real file comes near.
const (
	maxHeaders     = 1 << 12
	maxDynamic     = 1 << 14 // entries
	maxString      = 1 << 12
	maxVersions    = 1 << 12
	maxSearchPaths = 1 << 8
)

// Read reads an ELF file. It returns nil without an error if the file does not begin with ELF's magic number, or if it is an object
// file or a core dump, which nobody loads. ErrFormat tells of a file that is damaged.
func Read(r io.ReaderAt) (*Object, error) {
	var ident [20]byte
	if n, err := r.ReadAt(ident[:], 0); n < len(ident) {
		if err != nil && err != io.EOF {
			return nil, err
		}
		if n >= len(Magic) && string(ident[:len(Magic)]) == Magic {
			return nil, formatError("the header ends after %d bytes", n)
		}
		return nil, nil
	}
	if string(ident[:len(Magic)]) != Magic {
		return nil, nil
	}
	f := &file{r: r}
	o := &Object{}
	switch ident[4] {
	case 1:
		o.Class = 32
	case 2:
		f.wide, o.Class = true, 64
	default:
		return nil, formatError("class %d is neither 32 nor 64 bits", ident[4])
	}
	if !f.setOrder(ident[5]) {
		return nil, formatError("byte order %d is neither little nor big endian", ident[5])
	}
	o.Machine = machineName(f.order.Uint16(ident[18:]), f.wide, ident[5] == 2)
	switch f.order.Uint16(ident[16:]) {
	case typeExecutable:
		o.Kind = Program
	case typeShared:
		o.Kind = Shared
	default:
		return nil, nil
	}
	dynamic, err := f.readHeaders(o)
	if err != nil {
		return nil, err
	}
	if dynamic.size > 0 {
		if err := f.readDynamic(o, dynamic); err != nil {
			return nil, err
		}
	}
	if o.Interpreter != "" && o.Soname == "" { // libc is both a library and a program
		o.Kind = Program
	}
	return o, nil
}

// segment is a part of the file and where the linker maps it.
type segment struct{ offset, address, size uint64 }

// readHeaders reads the program headers: it fills the interpreter and returns the segment of the dynamic section, which is empty in a
// program without a dynamic linker.
func (f *file) readHeaders(o *Object) (dynamic segment, err error) {
	head, err := f.bytes(0, f.pick(52, 64))
	if err != nil {
		return dynamic, err
	}
	at := f.word(head[f.pick(28, 32):])
	size := uint64(f.order.Uint16(head[f.pick(42, 54):]))
	count := int(f.order.Uint16(head[f.pick(44, 56):]))
	least := uint64(f.pick(32, 56))
	switch {
	case count == 0:
		return dynamic, nil
	case size < least || count > maxHeaders:
		return dynamic, formatError("%d program headers of %d bytes", count, size)
	}
	var interpreter segment
	for i := range count {
		h, err := f.bytes(at+uint64(i)*size, int(least))
		if err != nil {
			return dynamic, err
		}
		s := segment{offset: f.word(h[f.pick(4, 8):]), address: f.word(h[f.pick(8, 16):]), size: f.word(h[f.pick(16, 32):])}
		switch f.order.Uint32(h) {
		case headerLoad:
			f.segments = append(f.segments, s)
		case headerDynamic:
			dynamic = s
		case headerInterpreter:
			interpreter = s
		}
	}
	if interpreter.size > 0 {
		text, err := f.bytes(interpreter.offset, int(min(interpreter.size, maxString)))
		if err != nil {
			return dynamic, err
		}
		if o.Interpreter, err = cutString(text); err != nil {
			return dynamic, err
		}
	}
	return dynamic, nil
}

// HighestNeeds returns the needs without those that another one implies: of the versions of one library that differ in their numbers
// only, as GLIBC_2.17 and GLIBC_2.34 do, the highest stays. They are sorted.
func (o *Object) HighestNeeds() []Need {
	best := map[Need]Need{} // by library and the text before the numbers
	for _, n := range o.Needs {
		name, _ := splitVersion(n.Version)
		key := Need{n.Library, name}
		if was, ok := best[key]; !ok || CompareVersions(n.Version, was.Version) > 0 {
			best[key] = n
		}
	}
	out := make([]Need, 0, len(best))
	for _, n := range best {
		out = append(out, n)
	}
	slices.SortFunc(out, func(a, b Need) int {
		return cmp.Or(cmp.Compare(a.Library, b.Library), cmp.Compare(a.Version, b.Version))
	})
	return out
}

// splitVersion parts "GLIBC_2.17" into "GLIBC_" and its numbers. A version that does not end in numbers has none.
func splitVersion(s string) (name string, numbers []int) {
	name = strings.TrimRight(s, "0123456789.")
	rest := s[len(name):]
	if rest == "" || rest[0] == '.' || !strings.HasSuffix(name, "_") {
		return s, nil
	}
	for _, part := range strings.Split(rest, ".") {
		n := 0
		for _, c := range part {
			if n = n*10 + int(c-'0'); n > 1<<30 {
				return s, nil
			}
		}
		numbers = append(numbers, n)
	}
	return name, numbers
}

// SameSeries says whether two symbol versions differ in their numbers only: GLIBC_2.17 and GLIBC_2.34 do.
func SameSeries(a, b string) bool {
	nameA, numbersA := splitVersion(a)
	nameB, numbersB := splitVersion(b)
	return nameA == nameB && numbersA != nil && numbersB != nil
}

// CompareVersions orders symbol versions: by the text before the numbers, then by the numbers, so that GLIBC_2.4 comes before
// GLIBC_2.34.
func CompareVersions(a, b string) int {
	nameA, numbersA := splitVersion(a)
	nameB, numbersB := splitVersion(b)
	return cmp.Or(cmp.Compare(nameA, nameB), slices.Compare(numbersA, numbersB), cmp.Compare(a, b))
}
