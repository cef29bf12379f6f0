package elf

import (
	"cmp"
	"slices"
	"strings"
)

// Types and flags of sections (System V ABI, section header).
const (
	sectionNull      = 0
	sectionSymbols   = 2
	sectionStrings   = 3
	sectionRela      = 4
	sectionNoBits    = 8
	sectionRel       = 9
	sectionSymbolsXl = 18 // SHT_SYMTAB_SHNDX, the large section numbers of symbols

	flagAlloc    = 2
	flagInfoLink = 0x40
)

// maxSections is the most sections that a table may have whose numbers need no extension.
const maxSections = 0xff00

// section is one entry of the section header table.
type section struct {
	raw          []byte // the entry as it is
	name         string
	kind         uint32
	flags        uint64
	offset, size uint64
	link, info   uint32
}

// extent is a part of the file: from start up to end.
type extent struct{ start, end uint64 }

func (e extent) overlaps(other extent) bool { return e.start < other.end && other.start < e.end }

func (e extent) overlapsAny(list []extent) bool { return slices.ContainsFunc(list, e.overlaps) }

func sortExtents(list []extent) {
	slices.SortFunc(list, func(a, b extent) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
}

// extent is the bytes of a section in the file, which are none for one that has only addresses.
func (s *section) extent() extent {
	if s.kind == sectionNoBits || s.kind == sectionNull {
		return extent{}
	}
	return extent{s.offset, s.offset + s.size}
}

// debugNames are the sections that nothing but debuggers, profilers and linkers read, by name; a star stands for any ending. They are
// those that GNU strip takes away, and what compilers and distributions leave to tell how a file was made and where its symbols are.
// A section that is not known stays.
var debugNames = []string{
	".debug", ".debug_*", ".zdebug_*", ".gdb_index", ".line", ".stab", ".stab.*", ".stabstr", ".gnu.debuglto_*", ".gnu.lto_*",
	".gnu_debuglink", ".gnu_debugaltlink", ".gnu_debugdata",
	".comment", ".annobin.notes", ".gnu.build.attributes", ".gnu.build.attributes.*", ".GCC.command.line", ".note.gnu.gold-version",
}

// debug says whether a section is for debuggers only, so that no program can miss it: it is not loaded, and it is a symbol table, the
// relocations of a linker, or known by its name. Names of symbols are judged by their symbol table.
func (s *section) debug() bool {
	if s.flags&flagAlloc != 0 || s.kind == sectionNull || s.kind == sectionNoBits {
		return false
	}
	switch s.kind {
	case sectionSymbols, sectionSymbolsXl, sectionRel, sectionRela:
		return true
	}
	return slices.ContainsFunc(debugNames, func(name string) bool {
		if prefix, ok := strings.CutSuffix(name, "*"); ok {
			return strings.HasPrefix(s.name, prefix)
		}
		return s.name == name
	})
}

// refersTo returns the numbers of the sections that this one refers to.
func (s *section) refersTo() []uint32 {
	list := []uint32{s.link}
	if s.flags&flagInfoLink != 0 || s.kind == sectionRel || s.kind == sectionRela {
		list = append(list, s.info)
	}
	return list
}

// sectionTable is the section header table and where it is said to be.
type sectionTable struct {
	extent
	sections []section
	names    int // number of the section with the names
}

// readSections reads the section header table, which is empty in a file without one.
func (f *file) readSections(size uint64) (t sectionTable, err error) {
	head, err := f.bytes(0, f.pick(52, 64))
	if err != nil {
		return t, err
	}
	at := f.word(head[f.pick(32, 40):])
	each, count := uint64(f.order.Uint16(head[f.pick(46, 58):])), int(f.order.Uint16(head[f.pick(48, 60):]))
	t.names = int(f.order.Uint16(head[f.pick(50, 62):]))
	if at == 0 && count == 0 {
		return t, nil
	}
	if each != uint64(f.pick(40, 64)) || count == 0 || count >= maxSections || t.names == 0 || t.names >= count {
		return t, formatError("%d section headers of %d bytes, the names in section %d", count, each, t.names)
	}
	t.extent = extent{at, at + each*uint64(count)}
	if at > size || t.end > size {
		return t, formatError("it ends before its section headers")
	}
	for i := range count {
		raw, err := f.bytes(at+uint64(i)*each, int(each))
		if err != nil {
			return t, err
		}
		s := section{
			raw: slices.Clone(raw), kind: f.order.Uint32(raw[4:]), flags: f.word(raw[8:]),
			offset: f.word(raw[f.pick(16, 24):]), size: f.word(raw[f.pick(20, 32):]),
			link: f.order.Uint32(raw[f.pick(24, 40):]), info: f.order.Uint32(raw[f.pick(28, 44):]),
		}
		if e := s.extent(); e.end < e.start || e.end > size {
			return t, formatError("section %d lies outside of the file", i)
		}
		t.sections = append(t.sections, s)
	}
	names := &t.sections[t.names]
	if names.kind != sectionStrings || names.flags&flagAlloc != 0 {
		return t, formatError("section %d has no names of sections", t.names)
	}
	for i := range t.sections {
		s := &t.sections[i]
		if s.name, err = (stringTable{f, names.offset, names.size}).at(uint64(f.order.Uint32(s.raw))); err != nil {
			return t, err
		}
	}
	return t, nil
}
