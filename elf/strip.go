package elf

import (
	"fmt"
	"io"
	"math"
	"reflect"
	"slices"
)

const (
	// leastGain is the bytes from which a file is worth a change: a file that is stripped already keeps the hash it has.
	leastGain = 1 << 10
	// maxPadding is the most zero bytes between two parts of a file, or at its end, that are taken for padding.
	maxPadding = 64 << 10
)

// Strip plans how to take symbol tables and debug information out of a program or shared object of size bytes. It returns nil if it is
// no such file or there is too little to gain, and ErrFormat, with the reason, if it cannot be sure of the file.
//
// Nothing that is loaded can notice: no byte of a segment is changed or moved, but for the three fields of the ELF header that say where
// the section headers are. Sections that are not for debuggers stay, at their place and with their number, to which .dynsym refers. What
// lies behind the last byte that stays is cut off; what lies before it, as in files that patchelf changed, is overwritten by zeros,
// because to move a segment is what breaks libraries. Every byte that goes must be of a section that goes, of the section headers, or a
// zero: a file with a signature, an archive or anything else behind it is refused.
func Strip(r io.ReaderAt, size int64) (*Edit, error) {
	o, err := Read(r)
	if err != nil || o == nil {
		return nil, err
	}
	f := &file{r: r, wide: o.Class == 64}
	if !f.wide && size > math.MaxUint32 {
		return nil, formatError("%d bytes are too many for a 32-bit file", size)
	}
	ident, err := f.bytes(0, 16)
	if err != nil {
		return nil, err
	}
	f.setOrder(ident[5])
	segments, err := f.fixed(uint64(size))
	if err != nil || len(segments) == 0 {
		return nil, err
	}
	table, err := f.readSections(uint64(size))
	if err != nil || len(table.sections) == 0 {
		return nil, err
	}
	goes, err := table.unneeded(segments)
	if err != nil {
		return nil, err
	}
	e, err := f.edit(table, goes, segments, uint64(size))
	if err != nil || e == nil {
		return nil, err
	}
	again, err := Read(e)
	if err != nil {
		return nil, err
	}
	if !reflect.DeepEqual(o, again) {
		return nil, formatError("stripped, it would be another object")
	}
	return e, nil
}

// fixed returns the parts of the file that must not change: the ELF header, the program headers and the segments.
func (f *file) fixed(size uint64) ([]extent, error) {
	head, err := f.bytes(0, f.pick(52, 64))
	if err != nil {
		return nil, err
	}
	at := f.word(head[f.pick(28, 32):])
	each, count := uint64(f.order.Uint16(head[f.pick(42, 54):])), uint64(f.order.Uint16(head[f.pick(44, 56):]))
	if count == 0 {
		return nil, nil
	}
	if at > size || at+each*count > size {
		return nil, formatError("it ends before its program headers")
	}
	list := []extent{{0, uint64(len(head))}, {at, at + each*count}}
	for i := range count {
		h, err := f.bytes(at+i*each, f.pick(32, 56))
		if err != nil {
			return nil, err
		}
		const headerNull = 0
		s := extent{start: f.word(h[f.pick(4, 8):])}
		s.end = s.start + f.word(h[f.pick(16, 32):])
		if f.order.Uint32(h) == headerNull || s.start == s.end {
			continue
		}
		if s.end < s.start || s.end > size {
			return nil, formatError("segment %d lies outside of the file", i)
		}
		list = append(list, s)
	}
	return list, nil
}

// unneeded says of every section whether it goes. The section with the names goes too, as it is written anew.
func (t *sectionTable) unneeded(segments []extent) ([]bool, error) {
	goes := make([]bool, len(t.sections))
	loaded := func(s *section) bool { return s.flags&flagAlloc != 0 || s.extent().overlapsAny(segments) }
	for i := range t.sections {
		s := &t.sections[i]
		if !s.debug() || loaded(s) {
			continue
		}
		goes[i] = true
		if s.kind == sectionSymbols && int(s.link) < len(t.sections) {
			if names := &t.sections[s.link]; names.kind == sectionStrings && !loaded(names) {
				goes[s.link] = true
			}
		}
	}
	goes[t.names] = true
	for i := range t.sections {
		if s := &t.sections[i]; !goes[i] {
			for _, other := range s.refersTo() {
				if int(other) < len(goes) && goes[other] {
					return nil, formatError("section %s needs section %s", s.name, t.sections[other].name)
				}
			}
		}
	}
	return goes, nil
}

// edit plans the change for the sections that go.
func (f *file) edit(t sectionTable, goes []bool, segments []extent, size uint64) (*Edit, error) {
	stays, leaves := slices.Clone(segments), []extent{t.extent}
	last := 0
	for i := range t.sections {
		e := t.sections[i].extent()
		if !goes[i] {
			last = i
		}
		switch {
		case e.start == e.end:
		case goes[i]:
			leaves = append(leaves, e)
		default:
			stays = append(stays, e)
		}
	}
	e := &Edit{file: f.r}
	for _, s := range stays {
		e.keep = max(e.keep, s.end)
	}
	for i := range t.sections {
		if goes[i] && i != t.names && t.sections[i].extent().overlapsAny(stays) {
			return nil, formatError("section %s shares bytes with another part", t.sections[i].name)
		}
	}
	if err := f.checkRest(leaves, e.keep, size); err != nil {
		return nil, err
	}
	cut := size - e.keep
	for _, l := range leaves {
		if l.start < e.keep && !l.overlapsAny(stays) {
			e.zero = append(e.zero, l)
			cut += l.end - l.start
		}
	}
	sortExtents(e.zero)
	e.tail, e.head = f.newTable(t, goes, last, e.keep)
	if cut < uint64(len(e.tail))+leastGain {
		return nil, nil
	}
	return e, nil
}

// checkRest says what is wrong if not all bytes from keep on are of parts that leave, or zero.
func (f *file) checkRest(leaves []extent, keep, size uint64) error {
	leaves = append(slices.Clone(leaves), extent{size, size})
	sortExtents(leaves)
	for _, l := range leaves {
		if l.start > keep {
			if l.start-keep > maxPadding {
				return formatError("%d bytes at %d are of no section", l.start-keep, keep)
			}
			gap, err := f.bytes(keep, int(l.start-keep))
			if err != nil {
				return err
			}
			if slices.ContainsFunc(gap, func(b byte) bool { return b != 0 }) {
				return formatError("the bytes at %d are of no section", keep)
			}
		}
		keep = max(keep, l.end)
	}
	return nil
}

// newTable returns what follows the bytes that stay, up to keep: the names of sections, and the headers of those up to the last one that
// stays. A section that goes leaves an empty header. It returns the new ELF header too.
func (f *file) newTable(t sectionTable, goes []bool, last int, keep uint64) (tail, head []byte) {
	names, at := []byte{0}, map[string]uint32{"": 0}
	name := func(s string) uint32 {
		if _, ok := at[s]; !ok {
			at[s] = uint32(len(names))
			names = append(append(names, s...), 0)
		}
		return at[s]
	}
	each := f.pick(40, 64)
	var headers []byte
	for i := range last + 1 {
		h := make([]byte, each)
		if !goes[i] {
			copy(h, t.sections[i].raw)
			f.order.PutUint32(h, name(t.sections[i].name))
		}
		headers = append(headers, h...)
	}
	h := make([]byte, each)
	f.order.PutUint32(h, name(".shstrtab"))
	f.order.PutUint32(h[4:], sectionStrings)
	f.putWord(h[f.pick(16, 24):], keep)
	f.putWord(h[f.pick(20, 32):], uint64(len(names)))
	f.putWord(h[f.pick(32, 48):], 1)
	headers = append(headers, h...)

	tail = names
	for align := uint64(f.pick(4, 8)); (keep+uint64(len(tail)))%align != 0; {
		tail = append(tail, 0)
	}
	start := keep + uint64(len(tail))
	head, _ = f.bytes(0, f.pick(52, 64)) // it was read before
	head = slices.Clone(head)
	f.putWord(head[f.pick(32, 40):], start)
	f.order.PutUint16(head[f.pick(48, 60):], uint16(last+2))
	f.order.PutUint16(head[f.pick(50, 62):], uint16(last+1))
	return append(tail, headers...), head
}

// putWord writes an address, offset or size.
func (f *file) putWord(b []byte, v uint64) {
	if f.wide {
		f.order.PutUint64(b, v)
	} else {
		f.order.PutUint32(b, uint32(v))
	}
}

// Edit is a change to a file: a new header, zeros over what lies between the parts that stay, and a new end. It reads as the changed
// file does.
type Edit struct {
	file io.ReaderAt
	head []byte
	zero []extent // in the order of offsets, below keep
	keep uint64   // the bytes that stay
	tail []byte   // what follows them
}

// Size is the size of the changed file.
func (e *Edit) Size() int64 { return int64(e.keep) + int64(len(e.tail)) }

// Zeroed is how many bytes of the file the zeros are. They still take room in the file, but none in a compressed archive.
func (e *Edit) Zeroed() (n int64) {
	for _, z := range e.zero {
		n += int64(z.end - z.start)
	}
	return n
}

// ReadAt reads the changed file.
func (e *Edit) ReadAt(p []byte, at int64) (int, error) {
	if at < 0 {
		return 0, fmt.Errorf("offset %d is negative", at)
	}
	n := int(min(int64(len(p)), max(0, e.Size()-at)))
	if kept := min(int64(n), max(0, int64(e.keep)-at)); kept > 0 {
		if m, err := e.file.ReadAt(p[:kept], at); m < int(kept) {
			return m, err
		}
	}
	over := func(start uint64, data []byte) {
		from, to := max(at, int64(start)), min(at+int64(n), int64(start)+int64(len(data)))
		if from < to {
			copy(p[from-at:to-at], data[from-int64(start):])
		}
	}
	over(0, e.head)
	for _, z := range e.zero {
		if from, to := max(at, int64(z.start)), min(at+int64(n), int64(z.end)); from < to {
			clear(p[from-at : to-at])
		}
	}
	over(e.keep, e.tail)
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// File is a file that can be changed in place.
type File interface {
	io.WriterAt
	Truncate(size int64) error
}

// Apply makes the change to the file that the plan was made for.
func (e *Edit) Apply(w File) error {
	if err := w.Truncate(int64(e.keep)); err != nil {
		return err
	}
	zeros := make([]byte, 64<<10)
	for _, z := range e.zero {
		for at := z.start; at < z.end; {
			n := min(uint64(len(zeros)), z.end-at)
			if _, err := w.WriteAt(zeros[:n], int64(at)); err != nil {
				return err
			}
			at += n
		}
	}
	if _, err := w.WriteAt(e.tail, int64(e.keep)); err != nil {
		return err
	}
	_, err := w.WriteAt(e.head, 0)
	return err
}
