package verify

import (
	"bytes"
	"encoding/binary"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/org/pyfile/elf"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares a text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; run go test -update and read the difference. It is now\n%s", name, got)
	}
}

// image makes the root file system of files by their paths. A content that begins with "-> " is a link, one with "#!" may be executed.
func image(files map[string]string) fstest.MapFS {
	root := fstest.MapFS{}
	for name, content := range files {
		if target, ok := bytes.CutPrefix([]byte(content), []byte("-> ")); ok {
			root[name] = &fstest.MapFile{Data: target, Mode: fs.ModeSymlink | 0o777}
		} else if strings.HasPrefix(content, "#!") {
			root[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o755}
		} else {
			root[name] = &fstest.MapFile{Data: []byte(content), Mode: 0o644}
		}
	}
	return root
}

var machineNumbers = map[string]uint16{"x86_64": 62, "aarch64": 183}

// shared writes an ELF file of 64 bits that says what o says.
func shared(o elf.Object) string {
	if o.Machine == "" {
		o.Machine = "x86_64"
	}
	const base = 0x1000 // address of the first byte
	order := binary.LittleEndian
	table := []byte{0}
	str := func(s string) uint32 {
		at := len(table)
		table = append(append(table, s...), 0)
		return uint32(at)
	}
	var dynamic []uint64
	for _, n := range o.Needed {
		dynamic = append(dynamic, 1, uint64(str(n)))
	}
	if o.Soname != "" {
		dynamic = append(dynamic, 14, uint64(str(o.Soname)))
	}
	for _, dir := range o.RPath {
		dynamic = append(dynamic, 15, uint64(str(dir)))
	}
	for _, dir := range o.RunPath {
		dynamic = append(dynamic, 29, uint64(str(dir)))
	}
	var needs, defines []byte
	for _, n := range o.Needs {
		needs = order.AppendUint16(order.AppendUint16(needs, 1), 1)
		needs = order.AppendUint32(order.AppendUint32(order.AppendUint32(needs, str(n.Library)), 16), 32)
		needs = order.AppendUint32(needs, 0)
		needs = order.AppendUint16(order.AppendUint16(needs, 0), 2)
		needs = order.AppendUint32(order.AppendUint32(needs, str(n.Version)), 0)
	}
	for i, v := range o.Defines {
		defines = order.AppendUint16(order.AppendUint16(order.AppendUint16(order.AppendUint16(defines, 1), 0), uint16(i+2)), 1)
		defines = order.AppendUint32(order.AppendUint32(order.AppendUint32(defines, 0), 20), 28)
		defines = order.AppendUint32(order.AppendUint32(defines, str(v)), 0)
	}
	at := uint64(64 + 2*56)
	dynamic = append(dynamic, 5, base+at, 10, uint64(len(table)))
	if len(needs) > 0 {
		dynamic = append(dynamic, 0x6ffffffe, base+at+uint64(len(table)), 0x6fffffff, uint64(len(o.Needs)))
	}
	if len(defines) > 0 {
		dynamic = append(dynamic, 0x6ffffffc, base+at+uint64(len(table)+len(needs)), 0x6ffffffd, uint64(len(o.Defines)))
	}
	dynamic = append(dynamic, 0, 0)
	dynamicAt := at + uint64(len(table)+len(needs)+len(defines))
	size := dynamicAt + uint64(len(dynamic))*8

	b := append([]byte(elf.Magic), 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0)
	b = order.AppendUint16(order.AppendUint16(b, 3), machineNumbers[o.Machine])
	b = order.AppendUint32(b, 1)
	for _, n := range []uint64{0, 64, 0} { // entry, program headers, section headers
		b = order.AppendUint64(b, n)
	}
	b = order.AppendUint32(b, 0)
	for _, n := range []uint16{64, 56, 2, 0, 0, 0} {
		b = order.AppendUint16(b, n)
	}
	for _, h := range []struct {
		kind     uint32
		at, size uint64
	}{{1, 0, size}, {2, dynamicAt, uint64(len(dynamic)) * 8}} {
		b = order.AppendUint32(order.AppendUint32(b, h.kind), 5)
		for _, n := range []uint64{h.at, base + h.at, base + h.at, h.size, h.size, 8} {
			b = order.AppendUint64(b, n)
		}
	}
	b = append(append(append(b, table...), needs...), defines...)
	for _, n := range dynamic {
		b = order.AppendUint64(b, n)
	}
	return string(b)
}

func TestTheTestsOwnObjectsAreRead(t *testing.T) {
	want := elf.Object{
		Kind: elf.Shared, Machine: "aarch64", Class: 64, Soname: "libx.so.1", Needed: []string{"liba.so.1", "libb.so.2"}, RunPath: []string{"$ORIGIN/x"},
		Needs: []elf.Need{{Library: "liba.so.1", Version: "A_1"}, {Library: "libc.so.6", Version: "GLIBC_2.17"}}, Defines: []string{"X_1.0", "X_1.1"},
	}
	got, err := elf.Read(bytes.NewReader([]byte(shared(want))))
	if err != nil {
		t.Fatal(err)
	}
	if g, w := text(t, got), text(t, &want); g != w {
		t.Errorf("got %s, want %s", g, w)
	}
}

func text(t testing.TB, value any) string {
	t.Helper()
	var b bytes.Buffer
	if err := write(&b, value); err != nil {
		t.Fatal(err)
	}
	return b.String()
}
