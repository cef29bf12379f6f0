package distro

import "strings"

// readApk reads the database of apk, which moves below /usr as distributions merge it.
func (db *Database) readApk() error {
	for _, name := range []string{"lib/apk/db/installed", "usr/lib/apk/db/installed"} {
		data, err := db.root.readFile(name)
		if err != nil {
			return err
		}
		if data != nil {
			db.Kind = Apk
			db.parseInstalled(string(data))
			return nil
		}
	}
	return nil
}

// parseInstalled reads the text of apk's database: paragraphs of lines with one letter, a colon and a value, in which F: is a
// directory without its first slash and each R: after it a file inside.
func (db *Database) parseInstalled(text string) {
	var p Package
	var files, provides []string
	dir := "/"
	end := func() {
		if p.Name != "" {
			i := db.add(p)
			for _, file := range files {
				db.own(file, i)
			}
			db.provides[p.Name] = append(db.provides[p.Name], provides...)
		}
		p, files, provides, dir = Package{}, nil, nil, "/"
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if line == "" {
			end()
			continue
		}
		if len(line) < 2 || line[1] != ':' {
			continue
		}
		value := line[2:]
		switch line[0] {
		case 'P':
			p.Name = value
		case 'V':
			p.Version = value
		case 'A':
			p.Arch = value
		case 'o':
			p.Source = value
		case 'p':
			provides = strings.Fields(value)
		case 'F':
			dir = "/"
			if value != "" {
				dir = "/" + value + "/"
			}
		case 'R':
			if value != "" {
				files = append(files, dir+value)
			}
		}
	}
	end()
}
