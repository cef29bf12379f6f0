package elf

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"unicode/utf8"
)

// file reads an ELF file in blocks, which it keeps: what is read lies close together, in three or four places.
type file struct {
	r        io.ReaderAt
	order    binary.ByteOrder
	wide     bool // 64 bits
	segments []segment
	blocks   []block
}

type block struct {
	number int64
	data   []byte // shorter than blockSize at the end of the file
}

const (
	blockSize = 4 << 10
	maxBlocks = 1 << 10 // kept at most
)

// setOrder sets the byte order that the header names, and says whether it is one.
func (f *file) setOrder(name byte) bool {
	switch name {
	case 1:
		f.order = binary.LittleEndian
	case 2:
		f.order = binary.BigEndian
	}
	return f.order != nil
}

// pick returns the number for the class of the file.
func (f *file) pick(narrow, wide int) int {
	if f.wide {
		return wide
	}
	return narrow
}

// word reads an address, offset or size.
func (f *file) word(b []byte) uint64 {
	if f.wide {
		return f.order.Uint64(b)
	}
	return uint64(f.order.Uint32(b))
}

// bytes returns n bytes of the file. They must not be changed.
func (f *file) bytes(offset uint64, n int) ([]byte, error) {
	data, err := f.upTo(offset, n)
	if err == nil && len(data) < n {
		err = formatError("it ends before offset %d", offset+uint64(n))
	}
	return data, err
}

// upTo returns n bytes of the file, or those that are left. They must not be changed.
func (f *file) upTo(offset uint64, n int) ([]byte, error) {
	if offset > math.MaxInt64-blockSize-uint64(n) {
		return nil, formatError("offset %d is too large", offset)
	}
	first, start := int64(offset/blockSize), int(offset%blockSize)
	data, err := f.block(first)
	if err != nil {
		return nil, err
	}
	if start+n <= len(data) {
		return data[start : start+n], nil
	}
	out := make([]byte, 0, n)
	for number := first; ; start = 0 {
		if start >= len(data) {
			return out, nil
		}
		out = append(out, data[start:min(len(data), start+n-len(out))]...)
		if len(out) == n || len(data) < blockSize {
			return out, nil
		}
		number++
		if data, err = f.block(number); err != nil {
			return nil, err
		}
	}
}

func (f *file) block(number int64) ([]byte, error) {
	for i := len(f.blocks) - 1; i >= 0; i-- {
		if f.blocks[i].number == number {
			return f.blocks[i].data, nil
		}
	}
	data := make([]byte, blockSize)
	n, err := f.r.ReadAt(data, number*blockSize)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if len(f.blocks) >= maxBlocks {
		return nil, formatError("its names are spread over more than %d kB", maxBlocks*blockSize>>10)
	}
	f.blocks = append(f.blocks, block{number, data[:n]})
	return data[:n], nil
}

// offset is where in the file an address is mapped from.
func (f *file) offset(address uint64) (uint64, error) {
	for _, s := range f.segments {
		if address >= s.address && address-s.address < s.size {
			offset := address - s.address + s.offset
			if offset < s.offset {
				break
			}
			return offset, nil
		}
	}
	return 0, formatError("address %#x is in no segment", address)
}

// cutString returns the text before the first zero byte.
func cutString(b []byte) (string, error) {
	end := bytes.IndexByte(b, 0)
	if end < 0 {
		return "", formatError("a name has no end, or more than %d bytes", maxString)
	}
	for _, c := range b[:end] {
		if c < ' ' || c == 0x7f {
			return "", formatError("a name has control characters")
		}
	}
	if !utf8.Valid(b[:end]) {
		return "", formatError("a name is not UTF-8")
	}
	return string(b[:end]), nil
}
