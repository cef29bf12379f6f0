package elf

import "strings"

// Tags of the dynamic section (System V ABI, dynamic linking; the versions are GNU's).
const (
	tagNull          = 0
	tagNeeded        = 1
	tagStringTable   = 5
	tagStringSize    = 10
	tagSoname        = 14
	tagRPath         = 15
	tagRunPath       = 29
	tagDefinitions   = 0x6ffffffc
	tagDefinitionNum = 0x6ffffffd
	tagNeeds         = 0x6ffffffe
	tagNeedNum       = 0x6fffffff
)

// stringTable is the string table of the dynamic section.
type stringTable struct {
	*file
	start, size uint64
}

// at returns the string at an offset of the table.
func (t stringTable) at(offset uint64) (string, error) {
	if offset >= t.size {
		return "", formatError("name at %d, behind the %d bytes of the string table", offset, t.size)
	}
	// Most names are short, and one that lies in one block needs no copy.
	for n := uint64(128); ; n = maxString {
		data, err := t.upTo(t.start+offset, int(min(n, t.size-offset)))
		if err != nil {
			return "", err
		}
		s, err := cutString(data)
		if err == nil || n == maxString {
			return s, err
		}
	}
}

// readDynamic reads the dynamic section.
func (f *file) readDynamic(o *Object, s segment) error {
	size := f.pick(8, 16)
	var needed, rpath, runpath []uint64
	var soname, table, tableSize, definitions, definitionNum, needs, needNum uint64
	hasSoname := false
	for i := 0; ; i++ {
		if i == maxDynamic || uint64(i+1)*uint64(size) > s.size {
			break // the linker looks for the null entry, but the section need not have one to be complete
		}
		entry, err := f.bytes(s.offset+uint64(i*size), size)
		if err != nil {
			return err
		}
		tag, value := f.word(entry), f.word(entry[size/2:])
		if tag == tagNull {
			break
		}
		switch tag {
		case tagNeeded:
			needed = append(needed, value)
		case tagRPath:
			rpath = append(rpath, value)
		case tagRunPath:
			runpath = append(runpath, value)
		case tagSoname:
			soname, hasSoname = value, true
		case tagStringTable:
			table = value
		case tagStringSize:
			tableSize = value
		case tagDefinitions:
			definitions = value
		case tagDefinitionNum:
			definitionNum = value
		case tagNeeds:
			needs = value
		case tagNeedNum:
			needNum = value
		}
	}
	if len(needed)+len(rpath)+len(runpath) == 0 && !hasSoname && needs == 0 && definitions == 0 {
		return nil // no names, as in a static program that moves itself
	}
	start, err := f.offset(table)
	if err != nil {
		return err
	}
	names := stringTable{f, start, tableSize}
	for _, offset := range needed {
		name, err := names.at(offset)
		if err != nil {
			return err
		}
		o.Needed = append(o.Needed, name)
	}
	if hasSoname {
		if o.Soname, err = names.at(soname); err != nil {
			return err
		}
	}
	if o.RPath, err = names.paths(rpath); err != nil {
		return err
	}
	if o.RunPath, err = names.paths(runpath); err != nil {
		return err
	}
	if needs != 0 {
		if o.Needs, err = names.needs(needs, needNum); err != nil {
			return err
		}
	}
	if definitions != 0 {
		o.Defines, err = names.definitions(definitions, definitionNum)
	}
	return err
}

// paths reads lists of directories. An empty directory, which means the working directory of the process, is left out.
func (t stringTable) paths(offsets []uint64) (dirs []string, err error) {
	for _, offset := range offsets {
		text, err := t.at(offset)
		if err != nil {
			return nil, err
		}
		for dir := range strings.SplitSeq(text, ":") {
			if dir != "" && len(dirs) < maxSearchPaths {
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs, nil
}

// flagWeak marks a version that a library may lack, flagBase the definition that only names the library.
const (
	flagBase = 1
	flagWeak = 2
)

// needs reads the versions that the object needs: for each library a record, and for each of its versions a record.
func (t stringTable) needs(address, count uint64) (list []Need, err error) {
	at, err := t.offset(address)
	if err != nil {
		return nil, err
	}
	read := 0
	for range min(count, maxVersions) {
		record, err := t.bytes(at, 16)
		if err != nil {
			return nil, err
		}
		library, err := t.at(uint64(t.order.Uint32(record[4:])))
		if err != nil {
			return nil, err
		}
		versions, entry := t.order.Uint16(record[2:]), at+uint64(t.order.Uint32(record[8:]))
		next := uint64(t.order.Uint32(record[12:]))
		for range versions {
			record, err := t.bytes(entry, 16)
			if err != nil {
				return nil, err
			}
			if read++; read > maxVersions {
				return nil, formatError("more than %d versions", maxVersions)
			}
			if t.order.Uint16(record[4:])&flagWeak == 0 {
				version, err := t.at(uint64(t.order.Uint32(record[8:])))
				if err != nil {
					return nil, err
				}
				list = append(list, Need{library, version})
			}
			step := uint64(t.order.Uint32(record[12:]))
			if step == 0 {
				break
			}
			entry += step
		}
		if next == 0 {
			break
		}
		at += next
	}
	return list, nil
}

// definitions reads the versions that the object defines.
func (t stringTable) definitions(address, count uint64) (list []string, err error) {
	at, err := t.offset(address)
	if err != nil {
		return nil, err
	}
	for range min(count, maxVersions) {
		record, err := t.bytes(at, 20)
		if err != nil {
			return nil, err
		}
		next := uint64(t.order.Uint32(record[16:]))
		if t.order.Uint16(record[2:])&flagBase == 0 {
			name, err := t.bytes(at+uint64(t.order.Uint32(record[12:])), 8)
			if err != nil {
				return nil, err
			}
			version, err := t.at(uint64(t.order.Uint32(name)))
			if err != nil {
				return nil, err
			}
			list = append(list, version)
		}
		if next == 0 {
			break
		}
		at += next
	}
	return list, nil
}
