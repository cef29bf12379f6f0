package elf

import (
	"bytes"
	debugelf "debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// memory is a file in memory.
type memory []byte

func (m *memory) WriteAt(p []byte, at int64) (int, error) {
	if end := int(at) + len(p); end > len(*m) {
		*m = append(*m, make([]byte, end-len(*m))...)
	}
	return copy((*m)[at:], p), nil
}

func (m *memory) Truncate(size int64) error {
	*m = (*m)[:size]
	return nil
}

// strip strips a file, and returns nil if it is left as it is. What the plan reads and what it writes must be the same.
func strip(t testing.TB, data []byte) ([]byte, error) {
	t.Helper()
	e, err := Strip(bytes.NewReader(data), int64(len(data)))
	if err != nil || e == nil {
		return nil, err
	}
	if e.Size()-e.Zeroed()+leastGain > int64(len(data)) {
		t.Errorf("%d bytes became %d, of which %d are zero now", len(data), e.Size(), e.Zeroed())
	}
	out := memory(bytes.Clone(data))
	if err := e.Apply(&out); err != nil {
		t.Fatal(err)
	}
	view, err := io.ReadAll(io.NewSectionReader(e, 0, e.Size()))
	if err != nil || !bytes.Equal(view, out) {
		t.Fatalf("the plan reads as %d bytes (%v), and wrote %d", len(view), err, len(out))
	}
	return out, nil
}

// checkStripped fails unless all that a linker and the kernel look at is as it was.
func checkStripped(t testing.TB, before, after []byte) {
	t.Helper()
	was, is := read(t, before), read(t, after)
	if !reflect.DeepEqual(was, is) {
		t.Errorf("the object was %+v, and is %+v", was, is)
	}
	wide, order := before[4] == 2, binary.ByteOrder(binary.LittleEndian)
	if before[5] == 2 {
		order = binary.BigEndian
	}
	word, at, count := func(b []byte) uint64 { return uint64(order.Uint32(b)) }, 28, 44
	fields := []extent{{32, 36}, {48, 52}}
	offset, size := 4, 16
	if wide {
		word, at, count, offset, size = order.Uint64, 32, 56, 8, 32
		fields = []extent{{40, 48}, {60, 64}}
	}
	same := func(what string, e extent) {
		t.Helper()
		a, b := bytes.Clone(before[e.start:e.end]), bytes.Clone(after[min(e.start, uint64(len(after))):min(e.end, uint64(len(after)))])
		if len(a) == len(b) {
			for _, field := range fields {
				for i := max(field.start, e.start); i < min(field.end, e.end); i++ {
					a[i-e.start], b[i-e.start] = 0, 0
				}
			}
		}
		if !bytes.Equal(a, b) {
			t.Errorf("%s, %d to %d, has other bytes", what, e.start, e.end)
		}
	}
	each, n := uint64(order.Uint16(before[count-2:])), uint64(order.Uint16(before[count:]))
	start := word(before[at:])
	same("the header", extent{0, fields[1].end})
	same("the program headers", extent{start, start + each*n})
	for i := range n {
		h := before[start+i*each:]
		if from, long := word(h[offset:]), word(h[size:]); order.Uint32(h) != 0 && long > 0 {
			same("a segment", extent{from, from + long})
		}
	}
}

// sectionsOf are the sections that have a header, by name.
func sectionsOf(t testing.TB, data []byte) map[string]debugelf.SectionHeader {
	t.Helper()
	f, err := debugelf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]debugelf.SectionHeader{}
	for _, s := range f.Sections {
		if s.Type != debugelf.SHT_NULL {
			out[s.Name] = s.SectionHeader
		}
	}
	return out
}

const manySymbols = "static int a1,a2,a3; int two(int x) { static int a_long_name_to_strip; return a_long_name_to_strip += x + a1 + a2 + a3; }\nint main(void) { return two(1); }\n"

func TestOnlySectionsForDebuggersGo(t *testing.T) {
	dir := t.TempDir()
	for name, args := range map[string][]string{
		"library": {"-g3", "-shared", "-fPIC"}, "program": {"-g", "-pie"}, "relocations": {"-g", "-Wl,--emit-relocs", "-pie"}, "32 aligned": {"-g", "-Wl,-z,max-page-size=65536"},
	} {
		before := compile(t, dir, name, manySymbols, args...)
		after, err := strip(t, before)
		if err != nil || after == nil {
			t.Fatalf("%s: not stripped: %v", name, err)
		}
		checkStripped(t, before, after)
		was, is := sectionsOf(t, before), sectionsOf(t, after)
		for section, header := range was {
			now, ok := is[section]
			loaded := header.Flags&debugelf.SHF_ALLOC != 0
			switch {
			case ok && !loaded && section != ".shstrtab":
				t.Errorf("%s: %s is still there", name, section)
			case loaded && now != header:
				t.Errorf("%s: %s was %+v, and is %+v", name, section, header, now)
			}
		}
		if again, err := strip(t, after); again != nil || err != nil {
			t.Errorf("%s: stripped again: %d bytes, %v", name, len(again), err)
		}
		if slices.Contains([]string{"program", "32 aligned", "relocations"}, name) {
			file := filepath.Join(dir, "stripped")
			if err := os.WriteFile(file, after, 0o755); err != nil {
				t.Fatal(err)
			}
			var exit *exec.ExitError
			if err := exec.Command(file).Run(); !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Errorf("%s: the stripped program ends with %v, not with exit status 1", name, err)
			}
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A section that is not known may be read by the program it is in.
func TestASectionThatIsNotKnownStays(t *testing.T) {
	dir := t.TempDir()
	compile(t, dir, "library", manySymbols, "-g", "-shared", "-fPIC")
	payload := filepath.Join(dir, "payload")
	if err := os.WriteFile(payload, []byte("read by the program"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := filepath.Join(dir, "with.so")
	if text, err := exec.Command("objcopy", "--add-section", ".resource="+payload, filepath.Join(dir, "library"), out).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	before, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	after, err := strip(t, before)
	if err != nil || after == nil {
		t.Fatalf("not stripped: %v", err)
	}
	checkStripped(t, before, after)
	s := sectionsOf(t, after)[".resource"]
	if was := sectionsOf(t, before)[".resource"]; s.Offset != was.Offset || string(after[s.Offset:s.Offset+s.Size]) != "read by the program" {
		t.Errorf("the section is %+v, and was %+v", s, was)
	}
}

// moved makes a file as patchelf does: what follows the symbols is loaded.
func moved(t testing.TB, data []byte) []byte {
	t.Helper()
	data = append(bytes.Clone(data), make([]byte, (4096-len(data)%4096)%4096)...)
	at := binary.LittleEndian.Uint64(data[32:])
	each, n := uint64(binary.LittleEndian.Uint16(data[54:])), uint64(binary.LittleEndian.Uint16(data[56:]))
	for i := range n {
		if h := data[at+i*each:]; binary.LittleEndian.Uint32(h) == 0x6474e551 { // PT_GNU_STACK, whose place can be had
			binary.LittleEndian.PutUint32(h, headerLoad)
			binary.LittleEndian.PutUint32(h[4:], 4)
			for field, v := range map[int]uint64{8: uint64(len(data)), 16: 1 << 30, 24: 1 << 30, 32: 64, 40: 64, 48: 4096} {
				binary.LittleEndian.PutUint64(h[field:], v)
			}
			return append(data, bytes.Repeat([]byte("moved..."), 8)...)
		}
	}
	t.Fatal("no place for a segment")
	return nil
}

func TestWhatLiesBeforeASegmentIsZero(t *testing.T) {
	dir := t.TempDir()
	before := moved(t, compile(t, dir, "library", manySymbols, "-g3", "-shared", "-fPIC"))
	after, err := strip(t, before)
	if err != nil || after == nil {
		t.Fatalf("not stripped: %v", err)
	}
	checkStripped(t, before, after)
	for name, s := range sectionsOf(t, before) {
		if strings.HasPrefix(name, ".debug_") && len(bytes.Trim(after[s.Offset:s.Offset+s.Size], "\x00")) > 0 {
			t.Errorf("%s is not zero", name)
		}
	}
}

func TestAFileThatIsNotKnownWholeIsLeftAlone(t *testing.T) {
	dir := t.TempDir()
	good := compile(t, dir, "library", manySymbols, "-g", "-shared", "-fPIC")
	change := func(at int, b ...byte) []byte {
		data := bytes.Clone(good)
		copy(data[at:], b)
		return data
	}
	table := int(binary.LittleEndian.Uint64(good[40:]))
	for name, tt := range map[string]struct {
		data []byte
		want string
	}{
		"signature":             {append(bytes.Clone(good), "~Module signature appended~\n"...), "are of no section"},
		"archive":               {append(append(bytes.Clone(good), make([]byte, 100)...), "PK\x05\x06"...), "are of no section"},
		"many zeros":            {append(bytes.Clone(good), make([]byte, maxPadding+1)...), "are of no section"},
		"no section":            {change(60, 0, 0), "section headers of 64 bytes"},
		"size of headers":       {change(58, 40), "section headers of 40 bytes"},
		"names":                 {change(62, 0xff, 0xff), "the names in section 65535"},
		"names in another":      {change(62, 1), "section 1 has no names"},
		"far headers":           {change(44, 1), "it ends before its section headers"},
		"cut":                   {good[:len(good)-64], "it ends before its section headers"},
		"section outside":       {change(table+64+24+7, 1), "section 1 lies outside"},
		"what debuggers share":  {change(table+64*3+40, byte(numberOf(t, good, ".symtab"))), "needs section .symtab"},
		"already stripped":      {compile(t, dir, "bare", manySymbols, "-s", "-shared", "-fPIC"), ""},
		"object file":           {compile(t, dir, "demo.o", manySymbols, "-g", "-c"), ""},
		"text":                  {[]byte("#!/bin/sh\necho this is a script\n"), ""},
		"no section headers":    {change(40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 0, 0), ""},
		"static archive":        {append([]byte("!<arch>\n"), good...), ""},
		"section of a segment":  {overlapping(t, good), "shares bytes with another part"},
		"damaged program table": {change(57, 0xff), "program headers"},
	} {
		got, err := strip(t, tt.data)
		if got != nil || (err == nil) != (tt.want == "") || err != nil && (!errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %d bytes and the error %v, want %q", name, len(got), err, tt.want)
		}
	}
}

// numberOf is the number of a section.
func numberOf(t testing.TB, data []byte, name string) int {
	f, err := debugelf.NewFile(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return slices.IndexFunc(f.Sections, func(s *debugelf.Section) bool { return s.Name == name })
}

// overlapping adds a section of another kind that has the bytes of the debug information.
func overlapping(t testing.TB, data []byte) []byte {
	data = bytes.Clone(data)
	table := binary.LittleEndian.Uint64(data[40:])
	comment, info := uint64(numberOf(t, data, ".debug_str")), sectionsOf(t, data)[".debug_info"]
	h := data[table+64*comment:]
	names := sectionsOf(t, data)[".shstrtab"]
	binary.LittleEndian.PutUint32(h, uint32(bytes.Index(data[names.Offset:names.Offset+names.Size], []byte("text\x00")))) // a name that is not known
	binary.LittleEndian.PutUint64(h[24:], info.Offset)
	binary.LittleEndian.PutUint64(h[32:], info.Size)
	return data
}

func FuzzStrip(f *testing.F) {
	dir := f.TempDir()
	lib := compile(f, dir, "library", manySymbols, "-g", "-shared", "-fPIC")
	f.Add(lib)
	f.Add(moved(f, lib))
	f.Add(overlapping(f, lib))
	f.Add(compile(f, dir, "program", manySymbols, "-g", "-Wl,--emit-relocs"))
	f.Add(compile(f, dir, "bare", manySymbols, "-s"))
	f.Add(append(bytes.Clone(lib), "PK\x05\x06"...))
	f.Add([]byte(Magic))
	f.Fuzz(func(t *testing.T, data []byte) {
		after, err := strip(t, data)
		if err != nil && !errors.Is(err, ErrFormat) {
			t.Fatal(err)
		}
		if after == nil {
			return
		}
		checkStripped(t, data, after)
		if again, err := strip(t, after); err != nil || again != nil {
			t.Errorf("stripped again: %d bytes, %v", len(again), err)
		}
		if other, err := strip(t, data); err != nil || !bytes.Equal(other, after) {
			t.Errorf("the second time it is another file: %v", err)
		}
	})
}

// BenchmarkStrip plans and reads the change of a file that is half debug information; the bytes per second are those of the file before.
func BenchmarkStrip(b *testing.B) {
	var source strings.Builder
	for i := range 4000 {
		fmt.Fprintf(&source, "int f%d(int x) { struct s%d { int a; long b; } y = {x, %d}; return y.a * (int)y.b; }\n", i, i, i)
	}
	data := compile(b, b.TempDir(), "library", source.String(), "-g", "-shared", "-fPIC")
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		e, err := Strip(bytes.NewReader(data), int64(len(data)))
		if err != nil || e == nil {
			b.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, io.NewSectionReader(e, 0, e.Size())); err != nil {
			b.Fatal(err)
		}
	}
}
